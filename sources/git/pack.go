package git

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	githash "github.com/go-git/go-git/v5/plumbing/hash"
)

// maxObjects bounds the memory for the list of a pack's objects: 64 bytes for each while it comes in, and some 100 more for
// a delta that names its base by hash, which servers only send to those who cannot read offsets.
const maxObjects = 6_000_000

// errPack is wrapped by everything that is wrong with a pack itself.
var errPack = errors.New("malformed pack")

// entry is one object of a pack, as it is stored.
type entry struct {
	hash   plumbing.Hash // zero: a delta not resolved yet
	offset int64         // of the object's header
	crc    uint32        // of its bytes in the pack
	head   uint8         // length of its header
	kind   plumbing.ObjectType
	size   int64 // inflated, as stored: of a delta that of the delta itself
	base   int32 // of a delta: index of its base, or -1 while only its hash is known
	child  int32 // first delta on top of this object, -1: none
	next   int32 // next delta on the same base, -1: none
}

// header is the beginning of an object in a pack.
type header struct {
	kind   plumbing.ObjectType
	size   int64
	back   int64         // of an offset delta: how far before this object its base begins
	base   plumbing.Hash // of a reference delta
	length int
}

// readHeader reads what stands before an object's compressed bytes (gitformat-pack).
func readHeader(r io.ByteReader) (h header, err error) {
	next := func() byte {
		var c byte
		if err == nil {
			c, err = r.ReadByte()
			h.length++
		}
		return c
	}
	c := next()
	h.kind = plumbing.ObjectType(c >> 4 & 7)
	h.size = int64(c & 15)
	for shift := 4; c&0x80 != 0 && err == nil; shift += 7 {
		if shift+7 > 62 { // the sign must not be reached
			return h, fmt.Errorf("%w: an object's size does not fit", errPack)
		}
		c = next()
		h.size |= int64(c&0x7f) << shift
	}
	switch h.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		c = next()
		h.back = int64(c & 0x7f)
		for c&0x80 != 0 && err == nil {
			if h.back > 1<<48 {
				return h, fmt.Errorf("%w: the base of a delta is too far away", errPack)
			}
			c = next()
			h.back = (h.back+1)<<7 | int64(c&0x7f)
		}
	case plumbing.REFDeltaObject:
		for i := range h.base {
			h.base[i] = next()
		}
	default:
		if err == nil {
			err = fmt.Errorf("%w: an object of unknown kind %d", errPack, h.kind)
		}
	}
	return h, err
}

// packReader counts, sums and copies what is read of a pack, byte by byte as the decompressor wants it.
type packReader struct {
	r      *bufio.Reader
	w      *bufio.Writer
	sum    hash.Hash
	crc    uint32
	offset int64
	max    int64
	buf    []byte // read, not yet summed and copied
	err    error  // the first that is no fault of the compressed bytes
}

func (p *packReader) ReadByte() (byte, error) {
	if p.offset >= p.max && p.err == nil {
		p.err = fmt.Errorf("the pack is larger than %d bytes", p.max)
	}
	if p.err != nil {
		return 0, p.err
	}
	c, err := p.r.ReadByte()
	if err != nil {
		if p.err = err; err == io.EOF {
			p.err = fmt.Errorf("%w: it is truncated", errPack)
		}
		return 0, p.err
	}
	if len(p.buf) == cap(p.buf) {
		p.settle()
	}
	p.buf = append(p.buf, c)
	p.offset++
	return c, nil
}

func (p *packReader) Read(b []byte) (int, error) {
	for i := range b {
		c, err := p.ReadByte()
		if err != nil {
			return i, err
		}
		b[i] = c
	}
	return len(b), nil
}

func (p *packReader) settle() {
	p.crc = crc32.Update(p.crc, crc32.IEEETable, p.buf)
	p.sum.Write(p.buf)
	if _, err := p.w.Write(p.buf); err != nil && p.err == nil {
		p.err = fmt.Errorf("write a pack: %w", err)
	}
	p.buf = p.buf[:0]
}

// contents are the objects of a pack, in its order, before their deltas are resolved.
type contents struct {
	entries []entry
	refs    map[plumbing.Hash][]int32 // deltas by the hash of their base
	sum     plumbing.Hash             // the pack's own checksum, which names its files
}

// scan reads a pack from r, copies it to w, and lists its objects. What the pack declares is checked before anything of
// that size is allocated: no object, also none that a delta makes, is above maxObject bytes.
func scan(r io.Reader, w io.Writer, maxPack, maxObject int64) (*contents, error) {
	p := &packReader{
		r: bufio.NewReaderSize(r, 64<<10), w: bufio.NewWriterSize(w, 64<<10), sum: githash.New(githash.CryptoType), max: maxPack,
		buf: make([]byte, 0, 32<<10),
	}
	c, err := p.scan(maxObject)
	if p.err != nil {
		return nil, p.err
	}
	if err != nil {
		return nil, err
	}
	if err := p.w.Flush(); err != nil {
		return nil, fmt.Errorf("write a pack: %w", err)
	}
	return c, nil
}

func (p *packReader) scan(maxObject int64) (*contents, error) {
	var head [12]byte
	if _, err := io.ReadFull(p, head[:]); err != nil {
		return nil, err
	}
	count := binary.BigEndian.Uint32(head[8:])
	switch {
	case !bytes.Equal(head[:8], []byte("PACK\x00\x00\x00\x02")):
		return nil, fmt.Errorf("%w: it begins with %q", errPack, head[:8])
	case count > maxObjects:
		return nil, fmt.Errorf("the pack has %d objects, more than %d", count, maxObjects)
	}
	c := &contents{entries: make([]entry, 0, min(count, 1<<12)), refs: map[plumbing.Hash][]int32{}}
	inflate := &inflater{}
	for range count {
		p.settle()
		p.crc = 0
		e := entry{offset: p.offset, base: -1, child: -1, next: -1}
		h, err := readHeader(p)
		if err != nil {
			return nil, err
		}
		e.kind, e.size, e.head = h.kind, h.size, uint8(h.length)
		switch h.kind {
		case plumbing.OFSDeltaObject:
			at := e.offset - h.back
			i, ok := slices.BinarySearchFunc(c.entries, at, func(e entry, at int64) int { return cmp.Compare(e.offset, at) })
			if !ok {
				return nil, fmt.Errorf("%w: the base of a delta is no object", errPack)
			}
			e.base = int32(i)
		case plumbing.REFDeltaObject:
			c.refs[h.base] = append(c.refs[h.base], int32(len(c.entries)))
		}
		if e.hash, err = inflate.check(p, h, maxObject); err != nil {
			return nil, err
		}
		p.settle()
		e.crc = p.crc
		c.entries = append(c.entries, e)
	}
	p.settle()
	want := p.sum.Sum(nil)
	if _, err := io.ReadFull(p, c.sum[:]); err != nil {
		return nil, err
	}
	if !bytes.Equal(want, c.sum[:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", errPack)
	}
	p.settle()
	return c, nil
}

// inflater decompresses object after object with one decompressor.
type inflater struct {
	z   io.ReadCloser
	tmp [4096]byte
}

func (i *inflater) open(r io.Reader) error {
	var err error
	if i.z == nil {
		i.z, err = zlib.NewReader(r)
	} else {
		err = i.z.(zlib.Resetter).Reset(r, nil)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPack, err)
	}
	return nil
}

// end makes sure that nothing follows, and that the decompressor's own checksum was right.
func (i *inflater) end() error {
	if n, err := i.z.Read(i.tmp[:1]); n != 0 || err != io.EOF {
		return fmt.Errorf("%w: an object is not as long as it says", errPack)
	}
	return nil
}

// all reads one object of exactly size bytes.
func (i *inflater) all(r io.Reader, size int64) ([]byte, error) {
	if err := i.open(r); err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(i.z, b); err != nil {
		return nil, fmt.Errorf("%w: %w", errPack, err)
	}
	return b, i.end()
}

// check reads one object that must have the size its header says and, if it is a delta, a target within the limit.
// It returns the hash of what is not a delta.
func (i *inflater) check(r io.Reader, h header, maxObject int64) (sum plumbing.Hash, err error) {
	if h.size > maxObject {
		return sum, fmt.Errorf("the pack has an object of %d bytes, more than %d", h.size, maxObject)
	}
	if err := i.open(r); err != nil {
		return sum, err
	}
	left, w := h.size, io.Discard
	hasher := plumbing.NewHasher(h.kind, h.size)
	if h.kind.IsDelta() {
		head := i.tmp[:min(left, 2*binary.MaxVarintLen64)]
		if _, err := io.ReadFull(i.z, head); err != nil {
			return sum, fmt.Errorf("%w: %w", errPack, err)
		}
		left -= int64(len(head))
		if _, target, ok := deltaSizes(head); !ok || target > uint64(maxObject) {
			return sum, fmt.Errorf("the pack has a delta that makes more than %d bytes", maxObject)
		}
	} else {
		w = hasher
	}
	n, err := io.CopyBuffer(w, io.LimitReader(i.z, left), i.tmp[:])
	if err == nil && n < left {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return sum, fmt.Errorf("%w: %w", errPack, err)
	}
	if err := i.end(); err != nil {
		return sum, err
	}
	if !h.kind.IsDelta() {
		sum = hasher.Sum()
	}
	return sum, nil
}

// deltaSizes reads how long a delta's base must be, and what it makes will be.
func deltaSizes(delta []byte) (base, target uint64, ok bool) {
	base, n := binary.Uvarint(delta)
	if n <= 0 {
		return 0, 0, false
	}
	target, m := binary.Uvarint(delta[n:])
	return base, target, m > 0
}
