package git

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// errMissing means that no pack has an object.
var errMissing = errors.New("object is missing from the mirror")

// maxChain bounds the deltas on top of each other; git makes no more than 4095 (pack-objects.h, OE_DEPTH_BITS).
const maxChain = 4096

// objects reads from the packs that a mirror had when it was opened. The files stay open, so it goes on reading when
// the mirror's folder is replaced. The indexes are searched on disk: an open mirror costs two file descriptors and a
// few kilobytes per pack, whatever its size.
type objects struct {
	users int // guarded by the mirror

	mu    sync.Mutex
	packs []*pack
	cache *cache
}

// openObjects opens every pack in dir and checks that it is whole: lengths, counts, and that pack and index belong together.
func openObjects(dir string, c *cache) (*objects, error) {
	o := &objects{cache: c}
	names, err := filepath.Glob(filepath.Join(dir, packDir, "*.idx"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p, err := openPack(strings.TrimSuffix(name, ".idx"))
		if err != nil {
			o.close()
			return nil, err
		}
		o.packs = append(o.packs, p)
	}
	return o, nil
}

func (o *objects) find(h plumbing.Hash) (*pack, int64, error) {
	for _, p := range o.packs {
		offset, ok, err := p.find(h)
		if err != nil || ok {
			return p, offset, err
		}
	}
	return nil, 0, errMissing
}

// has reports whether h is there.
func (o *objects) has(h plumbing.Hash) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _, err := o.find(h)
	if errors.Is(err, errMissing) {
		return false, nil
	}
	return err == nil, err
}

// size is the length of an object in bytes; of a delta, it inflates the first bytes.
func (o *objects) size(h plumbing.Hash) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, offset, err := o.find(h)
	if err != nil {
		return 0, err
	}
	head, err := p.in.header(offset)
	if err != nil || !head.kind.IsDelta() {
		return head.size, err
	}
	var b [2 * binary.MaxVarintLen64]byte
	n, err := p.in.some(offset+int64(head.length), b[:min(head.size, int64(len(b)))])
	if err != nil {
		return 0, err
	}
	_, size, ok := deltaSizes(b[:n])
	if !ok {
		return 0, errPack
	}
	return int64(size), nil
}

// read gives the content of an object that must be of kind. It belongs to the cache too: nobody may write to it.
func (o *objects) read(h plumbing.Hash, kind plumbing.ObjectType) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, offset, err := o.find(h)
	if err != nil {
		return nil, err
	}
	content, err := o.readAt(p, offset)
	switch {
	case err != nil:
		return nil, err
	case content.kind != kind:
		return nil, fmt.Errorf("object is a %s, not a %s", content.kind, kind)
	}
	return content.bytes, nil
}

// readAt follows the chain of deltas down to something known, and comes back up. On the way down it keeps places, not
// deltas: a chain of any length holds an object, a delta and what they make.
func (o *objects) readAt(p *pack, offset int64) (object, error) {
	type delta struct {
		offset int64
		head   header
	}
	var chain []delta
	var base object
	for {
		if len(chain) > maxChain {
			return object{}, fmt.Errorf("%w: deltas on top of each other without end", errPack)
		}
		var ok bool
		if base, ok = o.cache.get(key{p.sum, offset}); ok {
			break
		}
		h, err := p.in.header(offset)
		if err != nil {
			return object{}, err
		}
		if !h.kind.IsDelta() {
			b, err := p.in.at(offset+int64(h.length), h.size)
			if err != nil {
				return object{}, err
			}
			base = object{h.kind, b}
			o.cache.put(key{p.sum, offset}, base)
			break
		}
		chain = append(chain, delta{offset, h})
		if h.kind == plumbing.OFSDeltaObject {
			offset -= h.back
			continue
		}
		if offset, ok, err = p.find(h.base); err != nil {
			return object{}, err
		} else if !ok {
			return object{}, errMissing
		}
	}
	for _, d := range slices.Backward(chain) {
		b, err := p.in.at(d.offset+int64(d.head.length), d.head.size)
		if err != nil {
			return object{}, err
		}
		if base.bytes, err = packfile.PatchDelta(base.bytes, b); err != nil {
			return object{}, fmt.Errorf("%w: %w", errPack, err)
		}
		o.cache.put(key{p.sum, d.offset}, base)
	}
	return base, nil
}

func (o *objects) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.packs {
		p.close()
	}
}
