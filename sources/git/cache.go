package git

import (
	"container/list"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// object is the content of a git object.
type object struct {
	kind  plumbing.ObjectType
	bytes []byte
}

// key names an object by its place, not by its hash: a repository is never handed what only another one has.
type key struct {
	pack   plumbing.Hash
	offset int64
}

// overhead is roughly what an entry costs beyond its content, in bytes.
const overhead = 256

// cache holds the objects that were used last, of all mirrors together.
type cache struct {
	max int64 // bytes

	mu    sync.Mutex
	size  int64
	order *list.List // of *cached; front: used last
	at    map[key]*list.Element
}

type cached struct {
	key    key
	object object
}

func newCache(max int64) *cache {
	return &cache{max: max, order: list.New(), at: map[key]*list.Element{}}
}

func (c *cache) get(k key) (object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.at[k]
	if !ok {
		return object{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).object, true
}

// put keeps o, unless it would push out most of the others.
func (c *cache) put(k key, o object) {
	cost := int64(cap(o.bytes)) + overhead
	if cost > c.max/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.at[k]; ok {
		return
	}
	c.at[k] = c.order.PushFront(&cached{k, o})
	for c.size += cost; c.size > c.max; {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached)
		delete(c.at, old.key)
		c.size -= int64(cap(old.object.bytes)) + overhead
	}
}
