package git

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	githash "github.com/go-git/go-git/v5/plumbing/hash"
)

// maxHeld bounds the memory for objects whose deltas wait to be resolved, in bytes.
const maxHeld = 512 << 20

// resolve computes the hashes of the deltas. It walks from each base to the deltas on top of it, the largest family
// last, when the base itself is no longer needed: so a chain of any length holds two objects, and a tree of n deltas
// at most log2(n).
func (c *contents) resolve(ctx context.Context, pack io.ReaderAt) error {
	weights := make([]int32, len(c.entries))
	for i := len(c.entries) - 1; i >= 0; i-- {
		if e := &c.entries[i]; e.base >= 0 {
			weights[e.base] += weights[i] + 1
			c.adopt(e.base, int32(i))
		}
	}
	for i := range c.entries {
		if !c.entries[i].kind.IsDelta() {
			c.adoptByHash(int32(i))
		}
	}
	w := &deltaWalk{contents: c, weights: weights, in: fileReader{file: pack}}
	for i := range c.entries {
		if e := &c.entries[i]; !e.kind.IsDelta() && e.child >= 0 {
			if err := w.from(ctx, int32(i)); err != nil {
				return err
			}
		}
	}
	for i := range c.entries {
		if c.entries[i].hash.IsZero() {
			return fmt.Errorf("%w: a delta has no base", errPack)
		}
	}
	return nil
}

// adopt makes child a delta on top of base.
func (c *contents) adopt(base, child int32) {
	c.entries[child].base, c.entries[child].next = base, c.entries[base].child
	c.entries[base].child = child
}

// adoptByHash finds the deltas that name their base by its hash.
func (c *contents) adoptByHash(base int32) {
	h := c.entries[base].hash
	for _, child := range c.refs[h] {
		c.adopt(base, child)
	}
	delete(c.refs, h)
}

// deltaWalk is a walk through one family of deltas, without recursion: its depth is the sender's to choose.
type deltaWalk struct {
	*contents
	weights []int32
	in      fileReader
	stack   []family
	held    int64
}

// family is an object with the deltas on it that are still to be resolved.
type family struct {
	content []byte
	todo    int32 // next child; -1: only the heir is left
	heir    int32 // child with the most deltas below it
}

func (w *deltaWalk) from(ctx context.Context, root int32) error {
	e := w.entries[root]
	content, err := w.in.at(e.offset+int64(e.head), e.size)
	if err != nil {
		return err
	}
	if err := w.push(root, content); err != nil {
		return err
	}
	for len(w.stack) > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		top := &w.stack[len(w.stack)-1]
		content := top.content
		child := top.todo
		switch {
		case child < 0:
			child = top.heir
			w.held -= int64(len(content))
			w.stack = w.stack[:len(w.stack)-1]
		case child == top.heir:
			top.todo = w.entries[child].next
			continue
		default:
			top.todo = w.entries[child].next
		}
		d := &w.entries[child]
		delta, err := w.in.at(d.offset+int64(d.head), d.size)
		if err != nil {
			return err
		}
		made, err := packfile.PatchDelta(content, delta)
		if err != nil {
			return fmt.Errorf("%w: %w", errPack, err)
		}
		d.hash = plumbing.ComputeHash(e.kind, made)
		w.adoptByHash(child)
		if d.child >= 0 {
			if err := w.push(child, made); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *deltaWalk) push(at int32, content []byte) error {
	f := family{content: content, todo: w.entries[at].child, heir: w.entries[at].child}
	for c := f.todo; c >= 0; c = w.entries[c].next {
		if w.weights[c] > w.weights[f.heir] {
			f.heir = c
		}
	}
	if w.held += int64(len(content)); w.held > maxHeld {
		return fmt.Errorf("the pack's deltas need more than %d MiB of memory", maxHeld>>20)
	}
	w.stack = append(w.stack, f)
	return nil
}

// writeIndex writes the index of the pack, version 2 (gitformat-pack). An object that the pack holds twice is listed once.
func (c *contents) writeIndex(to io.Writer) error {
	slices.SortFunc(c.entries, func(a, b entry) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	c.entries = slices.CompactFunc(c.entries, func(a, b entry) bool { return a.hash == b.hash })

	sum := githash.New(githash.CryptoType)
	b := bufio.NewWriterSize(io.MultiWriter(to, sum), 64<<10)
	u32 := func(n uint32) { _ = binary.Write(b, binary.BigEndian, n) } // the error is kept by b until Flush
	b.WriteString("\xfftOc\x00\x00\x00\x02")
	n := 0
	for first := range 256 {
		for n < len(c.entries) && int(c.entries[n].hash[0]) <= first {
			n++
		}
		u32(uint32(n))
	}
	for i := range c.entries {
		b.Write(c.entries[i].hash[:])
	}
	for i := range c.entries {
		u32(c.entries[i].crc)
	}
	var large []int64
	for i := range c.entries {
		if at := c.entries[i].offset; at < 1<<31 {
			u32(uint32(at))
		} else {
			u32(uint32(len(large)) | 1<<31)
			large = append(large, at)
		}
	}
	_ = binary.Write(b, binary.BigEndian, large)
	b.Write(c.sum[:])
	if err := b.Flush(); err != nil {
		return err
	}
	_, err := to.Write(sum.Sum(nil))
	return err
}
