package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// maxCommit bounds the text of a commit, in bytes.
const maxCommit = 1 << 20

// Open fetches what the mirror lacks of rev and gives its files. Callers that want the same repository at the same time
// share one fetch.
func (s *Store) Open(ctx context.Context, repo sources.Repo, rev sources.Revision) (sources.Snapshot, error) {
	v, err := s.view(ctx, repo, rev)
	if err != nil {
		return nil, fmt.Errorf("open %s of %s: %w", rev, repo, err)
	}
	c, err := v.commit()
	if err != nil {
		v.release()
		return nil, fmt.Errorf("open %s of %s: %w", rev, repo, err)
	}
	return &snapshot{view: v, root: c.tree, folders: map[plumbing.Hash]folder{}}, nil
}

// Message is the commit message of rev.
func (s *Store) Message(ctx context.Context, repo sources.Repo, rev sources.Revision) (string, error) {
	v, err := s.view(ctx, repo, rev)
	if err != nil {
		return "", fmt.Errorf("read the message of %s of %s: %w", rev, repo, err)
	}
	defer v.release()
	c, err := v.commit()
	if err != nil {
		return "", fmt.Errorf("read the message of %s of %s: %w", rev, repo, err)
	}
	return c.message, nil
}

// view is one user's hold on the objects of a mirror that has rev.
type view struct {
	rev     sources.Revision
	objects *objects
	mirror  *mirror

	mu      sync.Mutex
	damaged bool
	once    sync.Once
}

func (v *view) release() {
	v.once.Do(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.mirror.release(v.objects, v.damaged)
	})
}

// view fetches until the mirror has rev. A mirror found damaged is cloned afresh, once.
func (s *Store) view(ctx context.Context, repo sources.Repo, rev sources.Revision) (*view, error) {
	if !sources.IsHash(rev.Hash) {
		return nil, fmt.Errorf("%q is no full hash", rev.Hash)
	}
	if err := sources.ValidRef(rev.Ref); err != nil {
		return nil, err
	}
	m := s.mirror(repo)
	o, _ := m.open(rev.Hash, s.cache) // a damaged mirror is dealt with below
	if o == nil {
		select {
		case <-m.free:
			defer m.end()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		var err error
		if o, err = s.fetchUntil(ctx, m, rev); err != nil {
			return nil, err
		}
		s.renew(ctx, m, rev)
	}
	return &view{rev: rev, objects: o, mirror: m}, nil
}

// fetchUntil fetches, and clones afresh where that does not help. The caller has the right to fetch.
func (s *Store) fetchUntil(ctx context.Context, m *mirror, rev sources.Revision) (*objects, error) {
	for afresh, last := false, false; ; afresh = true {
		o, err := m.open(rev.Hash, s.cache) // somebody else may have fetched it
		switch {
		case o != nil:
			return o, nil
		case last:
			return nil, errors.Join(errors.New("the commit is no longer part of the ref"), err)
		case err != nil:
			s.log.Warn("mirror is cloned afresh", "repo", m.repo.URL, "err", err)
		}
		if last, err = s.fetch(ctx, m, rev, afresh); err != nil {
			return nil, err
		}
	}
}

// read gives an object of a kind, at most max bytes long. Objects that are missing or cannot be read mean that the
// mirror is damaged; the next Open clones it afresh.
func (v *view) read(h plumbing.Hash, kind plumbing.ObjectType, max int64) (b []byte, err error) {
	defer v.guard(&err)
	size, err := v.objects.size(h)
	switch {
	case err != nil:
		return nil, err
	case size > max:
		return nil, sources.ErrTooBig
	}
	return v.objects.read(h, kind)
}

// guard turns a panic of a decoder into an error, and remembers that the mirror is damaged.
func (v *view) guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: panic: %v", errPack, p)
	}
	if errors.Is(*err, errMissing) || errors.Is(*err, errPack) || errors.Is(*err, errIndex) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.damaged = true
	}
}

// commit is the little that is read of a commit.
type commit struct {
	tree    plumbing.Hash
	parent  plumbing.Hash // the first; zero: none
	message string
}

func (v *view) commit() (commit, error) {
	b, err := v.read(plumbing.NewHash(v.rev.Hash), plumbing.CommitObject, maxCommit)
	if err != nil {
		return commit{}, err
	}
	return parseCommit(b)
}

func parseCommit(b []byte) (commit, error) {
	// Headers that span lines continue with a space, so the first empty line is the end of all.
	head, text, _ := bytes.Cut(b, []byte("\n\n"))
	c := commit{message: string(text)}
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		if !sources.IsHash(string(value)) {
			continue
		}
		switch hash := plumbing.NewHash(string(value)); {
		case string(name) == "tree" && c.tree.IsZero():
			c.tree = hash
		case string(name) == "parent" && c.parent.IsZero():
			c.parent = hash
		}
	}
	if c.tree.IsZero() {
		return commit{}, errors.New("commit without a tree")
	}
	return c, nil
}
