package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"rondo.dev/rondo/sources"
)

// Resolve asks the remote what ref, a short name, is now; an annotated tag is the commit it points to. It is one small
// request, whatever the number of refs. The answers sources.ErrNoRef, ErrEmpty, ErrAuth and ErrNotFound come wrapped.
func (s *Store) Resolve(ctx context.Context, repo sources.Repo, ref string) (sources.Revision, error) {
	if err := sources.ValidRef(ref); err != nil {
		return sources.Revision{}, err
	}
	limit := s.o.ResolveTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the server took longer than %s", limit))
	defer cancel()
	hash, err := s.resolve(ctx, repo, sources.FullRef(ref))
	s.metrics.resolves.WithLabelValues(answer(err)).Inc()
	if err != nil {
		return sources.Revision{}, fmt.Errorf("resolve %s of %s: %w", ref, repo, err)
	}
	return sources.Revision{Ref: ref, Hash: hash}, nil
}

func (s *Store) resolve(ctx context.Context, repo sources.Repo, full string) (string, error) {
	r := s.remote(repo)
	if r.version == 2 {
		hash, err := s.lsRefs(ctx, repo, r, full)
		var indirect *indirectError
		if !errors.As(err, &indirect) {
			return hash, err
		}
	}
	var found lookup
	empty := true
	r, _, err := s.discover(ctx, repo, func(name, hash string) {
		empty = false
		switch name {
		case full:
			found.hash = hash
		case full + "^{}":
			found.peeled = hash
		}
	})
	switch {
	case err != nil:
		return "", err
	case r.version == 2:
		return s.lsRefs(ctx, repo, r, full)
	case found.hash != "":
		return found.commit(), nil
	case empty:
		return "", sources.ErrEmpty
	default:
		return "", sources.ErrNoRef
	}
}

// lookup is what a server says of one ref.
type lookup struct{ hash, peeled string }

func (l lookup) commit() string {
	if l.peeled != "" {
		return l.peeled
	}
	return l.hash
}

// lsRefs is the ls-refs command of protocol version 2 (gitprotocol-v2), without the question for capabilities before it.
func (s *Store) lsRefs(ctx context.Context, repo sources.Repo, r remote, full string) (string, error) {
	var found lookup
	others := false
	// HEAD tells a missing ref from an empty repository.
	err := s.listRefs(ctx, repo, r, []string{full, "HEAD"}, func(name string, l lookup) bool {
		others = true
		if name == full {
			found = l
		}
		return found.hash == ""
	})
	if err != nil {
		return "", err
	}
	if found.hash != "" {
		return found.commit(), nil
	}
	if !others { // perhaps HEAD names a branch that does not exist
		err := s.listRefs(ctx, repo, r, []string{"refs/"}, func(string, lookup) bool { others = true; return false })
		if err != nil {
			return "", err
		}
	}
	if others {
		return "", sources.ErrNoRef
	}
	return "", sources.ErrEmpty
}

// listRefs visits the refs that begin with one of the prefixes until visit returns false.
func (s *Store) listRefs(ctx context.Context, repo sources.Repo, r remote, prefixes []string, visit func(string, lookup) bool) error {
	var m message
	m.line("command=ls-refs")
	m.line("agent=%s", agent)
	m.delim()
	m.line("peel")
	for _, p := range prefixes {
		m.line("ref-prefix %s", p)
	}
	m.flush()
	body, err := s.post(ctx, repo, r, m.Bytes())
	if err != nil {
		return err
	}
	defer body.Close()
	err = readRefs(newPackets(io.LimitReader(body, maxAdvert)), visit)
	if err == nil {
		// The connection can be used again if little is left; where much is, a new one is cheaper.
		_, err = io.CopyN(io.Discard, body, 1<<10)
		if err == io.EOF {
			err = nil
		}
	}
	if err != nil && !r.known && ctx.Err() == nil {
		return &indirectError{err} // what a server of version 0 says to a command of version 2
	}
	return cause(ctx, err)
}

// readRefs reads the answer to ls-refs: "<hash> <name>[ peeled:<hash>]".
func readRefs(p *packets, visit func(string, lookup) bool) error {
	for {
		k, line, err := p.line()
		switch {
		case err == io.EOF:
			return errTruncated
		case err != nil:
			return err
		case k == flush:
			return nil
		case k != data:
			return errors.New("the list of refs has a second section")
		}
		hash, rest, _ := strings.Cut(line, " ")
		name, attributes, _ := strings.Cut(rest, " ")
		if !sources.IsHash(hash) || name == "" {
			return errors.New("the list of refs has a line that is no ref")
		}
		l := lookup{hash: hash}
		for a := range strings.FieldsSeq(attributes) {
			peeled, ok := strings.CutPrefix(a, "peeled:")
			if !ok {
				continue
			}
			if !sources.IsHash(peeled) {
				return errors.New("the list of refs has a tag of nothing")
			}
			l.peeled = peeled
		}
		if !visit(name, l) {
			return nil
		}
	}
}

// answer is the label of a metric.
func answer(err error) string {
	for label, target := range map[string]error{
		"no_ref": sources.ErrNoRef, "empty": sources.ErrEmpty, "auth": sources.ErrAuth, "not_found": sources.ErrNotFound,
	} {
		if errors.Is(err, target) {
			return label
		}
	}
	if err != nil {
		return "error"
	}
	return "ok"
}
