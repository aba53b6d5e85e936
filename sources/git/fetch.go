package git

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"rondo.dev/rondo/sources"
)

// fetch brings rev into the mirror. The caller has the right to fetch. It clones afresh where there is no mirror, where
// it is damaged, or when asked to; the old folder is there until the new one is whole. If rev is not there after a fetch
// that was the last, no other would bring it.
func (s *Store) fetch(ctx context.Context, m *mirror, rev sources.Revision, afresh bool) (last bool, err error) {
	dir, refs, _, suspect := m.state()
	full := sources.FullRef(rev.Ref)
	var haves []string
	if afresh = afresh || dir == "" || suspect; afresh {
		refs = map[string]string{}
	} else {
		haves = s.haves(m, refs, full)
	}
	err = s.transfer(ctx, m, rev, haves, afresh, func(tmp, name, tip string) error {
		refs[full] = tip
		last = afresh || tip != rev.Hash
		if afresh {
			return s.swap(m, dir, tmp, refs)
		}
		return s.add(m, dir, tmp, name, refs)
	})
	return last, err
}

// transfer receives rev, with all that haves lack, into a folder of its own, and gives that to keep with the name of the
// pack, empty if there is none, and the hash that was asked for. What keep leaves there is removed.
func (s *Store) transfer(ctx context.Context, m *mirror, rev sources.Revision, haves []string, afresh bool,
	keep func(tmp, name, tip string) error) (err error) {
	limit := s.o.FetchTimeout
	if afresh {
		limit = s.o.CloneTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the server took longer than %s", limit))
	defer cancel()

	started := s.o.Now()
	defer func() {
		took := s.o.Now().Sub(started)
		s.metrics.seconds.Observe(took.Seconds())
		s.metrics.fetches.WithLabelValues(answer(err)).Inc()
		s.log.Debug("fetched", "repo", m.repo.URL, "revision", rev.String(), "afresh", afresh, "took", took, "err", err)
	}()
	// A decoder that panics costs one fetch, not the daemon (threats T18).
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while fetching: %v", p)
			s.log.Error("panic while fetching", "repo", m.repo.URL, "err", err, "stack", string(debug.Stack()))
		}
	}()

	tmp := filepath.Join(s.tmp, rand.Text())
	if err := skeleton(tmp, m.repo); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	stream, tip, err := s.request(ctx, m.repo, rev, haves)
	if err != nil {
		return cause(ctx, err)
	}
	defer stream.Close()
	name, err := s.receive(ctx, stream, tmp)
	if err != nil {
		return cause(ctx, err)
	}
	if name == "" && afresh {
		return errors.New("the server sent nothing")
	}
	return keep(tmp, name, tip)
}

// receive writes a pack, and its index, into the folder of packs below tmp. It returns their name without extension,
// empty if the pack was empty.
func (s *Store) receive(ctx context.Context, stream io.Reader, tmp string) (string, error) {
	packs := filepath.Join(tmp, filepath.FromSlash(packDir))
	file, err := os.Create(filepath.Join(packs, "incoming"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	c, err := scan(counter{stream, s.metrics.bytes.Add}, file, s.o.MaxFetchBytes, s.o.MaxObjectBytes)
	if err != nil {
		return "", err
	}
	if len(c.entries) == 0 {
		return "", nil
	}
	if err := c.resolve(ctx, file); err != nil {
		return "", err
	}
	name := "pack-" + c.sum.String()
	idx, err := os.Create(filepath.Join(packs, name+".idx"))
	if err != nil {
		return "", err
	}
	if err := errors.Join(c.writeIndex(idx), idx.Close()); err != nil {
		return "", fmt.Errorf("write the index of a pack: %w", err)
	}
	return name, os.Rename(file.Name(), filepath.Join(packs, name+".pack"))
}

// counter tells what passes.
type counter struct {
	io.Reader
	add func(float64)
}

func (c counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.add(float64(n))
	return n, err
}

// add moves a pack into the mirror, the index last: without it a pack is not looked at.
func (s *Store) add(m *mirror, dir, tmp, name string, refs map[string]string) error {
	if name != "" {
		for _, extension := range []string{".pack", ".idx"} {
			file := filepath.Join(filepath.FromSlash(packDir), name+extension)
			if err := os.Rename(filepath.Join(tmp, file), filepath.Join(dir, file)); err != nil {
				return err
			}
		}
	}
	if err := writeRefs(dir, tmp, refs); err != nil {
		return err
	}
	m.changed(dir, refs)
	return nil
}

// swap makes tmp the mirror under a name nobody can guess (threats T2), and removes the old one.
func (s *Store) swap(m *mirror, old, tmp string, refs map[string]string) error {
	if err := writeRefs(tmp, tmp, refs); err != nil {
		return err
	}
	dir := filepath.Join(s.o.Dir, rand.Text())
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	m.changed(dir, refs)
	if old == "" {
		return nil
	}
	return os.RemoveAll(old)
}

const (
	maxTips      = 64 // refs that are told to the server
	maxAncestors = 32 // of the ref that is wanted: a rewritten branch most often shares those
)

// haves are commits the mirror has, for the server to send only what is new.
func (s *Store) haves(m *mirror, refs map[string]string, full string) []string {
	var haves []string
	if tip := refs[full]; tip != "" {
		o, err := m.open(tip, s.cache)
		if o == nil || err != nil {
			return nil // then all is sent
		}
		v := &view{objects: o, mirror: m}
		for hash := tip; len(haves) < maxAncestors; {
			v.rev.Hash = hash
			c, err := v.commit()
			if err != nil {
				break
			}
			haves = append(haves, hash)
			if c.parent.IsZero() {
				break
			}
			hash = c.parent.String()
		}
		v.release()
	}
	for name, hash := range refs {
		if len(haves) >= maxAncestors+maxTips {
			break
		}
		if name != full {
			haves = append(haves, hash)
		}
	}
	return haves
}
