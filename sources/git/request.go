package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"rondo.dev/rondo/sources"
)

// request asks for a pack with rev and all it needs beyond haves. The commit is wanted by its hash, which servers of
// protocol version 2 take; where one refuses, what the ref is now is wanted instead, as rev may be part of it. It also
// returns the hash it asked for.
func (s *Store) request(ctx context.Context, repo sources.Repo, rev sources.Revision, haves []string) (io.ReadCloser, string, error) {
	stream, err := s.want(ctx, repo, rev.Hash, haves)
	var refused *serverError
	if !errors.As(err, &refused) {
		return stream, rev.Hash, err
	}
	tip, err2 := s.resolve(ctx, repo, sources.FullRef(rev.Ref))
	switch {
	case err2 != nil:
		return nil, "", err2
	case tip == rev.Hash:
		return nil, "", err
	}
	stream, err = s.want(ctx, repo, tip, haves)
	return stream, tip, err
}

func (s *Store) want(ctx context.Context, repo sources.Repo, hash string, haves []string) (io.ReadCloser, error) {
	r := s.remote(repo)
	if r.version == 2 {
		stream, err := s.fetch2(ctx, repo, r, hash, haves)
		var indirect *indirectError
		if !errors.As(err, &indirect) {
			return stream, err
		}
	}
	advertised := false
	r, caps, err := s.discover(ctx, repo, func(_, have string) { advertised = advertised || have == hash })
	switch {
	case err != nil:
		return nil, err
	case r.version == 2:
		return s.fetch2(ctx, repo, r, hash, haves)
	case !advertised && !strings.Contains(caps, "-sha1-in-want"):
		return nil, &serverError{fmt.Sprintf("no ref is %s", hash)}
	}
	return s.fetch0(ctx, repo, r, caps, hash, haves)
}

// stream is a pack as it comes in.
type stream struct {
	sideband
	io.Closer
}

// fetch2 is the fetch command of protocol version 2 (gitprotocol-v2). With "done" in the first request the server answers
// with the pack at once, without a word about what both have.
func (s *Store) fetch2(ctx context.Context, repo sources.Repo, r remote, hash string, haves []string) (io.ReadCloser, error) {
	var m message
	m.line("command=fetch")
	m.line("agent=%s", agent)
	m.delim()
	m.line("ofs-delta")
	m.line("no-progress")
	m.line("want %s", hash)
	for _, have := range haves {
		m.line("have %s", have)
	}
	m.line("done")
	m.flush()
	body, err := s.post(ctx, repo, r, m.Bytes())
	if err != nil {
		return nil, err
	}
	p := newPackets(body)
	if err := skipTo(p, "packfile"); err != nil {
		body.Close()
		var said *serverError
		if !r.known && ctx.Err() == nil && (!errors.As(err, &said) || strings.Contains(said.text, "protocol error")) {
			return nil, &indirectError{err}
		}
		return nil, cause(ctx, err)
	}
	return &stream{sideband{p: p}, body}, nil
}

// skipTo reads sections until the one of that name begins.
func skipTo(p *packets, section string) error {
	for {
		k, line, err := p.line()
		switch {
		case err == io.EOF, err == nil && k == flush:
			return fmt.Errorf("the server sent no %s", section)
		case err != nil:
			return err
		case k == data && line == section:
			return nil
		}
	}
}

// fetch0 is the same in version 0 (gitprotocol-pack, gitprotocol-http).
func (s *Store) fetch0(ctx context.Context, repo sources.Repo, r remote, caps, hash string, haves []string) (io.ReadCloser, error) {
	use := "agent=" + agent
	for c := range strings.FieldsSeq(caps) {
		if c == "ofs-delta" || c == "side-band-64k" || c == "no-progress" {
			use += " " + c
		}
	}
	if !strings.Contains(use, " side-band-64k") {
		return nil, errors.New("the server is too old: it knows no side-band-64k")
	}
	var m message
	m.line("want %s %s", hash, use)
	m.flush()
	for _, have := range haves {
		m.line("have %s", have)
	}
	m.line("done")
	body, err := s.post(ctx, repo, r, m.Bytes())
	if err != nil {
		return nil, err
	}
	p := newPackets(body)
	// One line at least comes before the pack, for an error to be found here.
	if _, _, err := p.line(); err != nil {
		body.Close()
		return nil, cause(ctx, err)
	}
	return &stream{sideband{p: p}, body}, nil
}
