package git

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// pack is a pack and its index.
type pack struct {
	sum    plumbing.Hash
	count  int64
	fanout [256]uint32
	in     fileReader
	idx    *os.File
	file   *os.File
}

// errIndex is wrapped by everything that is wrong with an index.
var errIndex = errors.New("malformed index of a pack")

const (
	idxHead = 8 + 256*4 // magic, version, fanout
	trailer = 20
)

func openPack(name string) (p *pack, err error) {
	p = &pack{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.idx, err = os.Open(name + ".idx"); err != nil {
		return p, err
	}
	if p.file, err = os.Open(name + ".pack"); err != nil {
		return p, err
	}
	p.in = fileReader{file: p.file}

	var head [idxHead]byte
	if _, err := p.idx.ReadAt(head[:], 0); err != nil || !bytes.Equal(head[:8], []byte("\xfftOc\x00\x00\x00\x02")) {
		return p, errIndex
	}
	last := uint32(0)
	for i := range p.fanout {
		p.fanout[i] = binary.BigEndian.Uint32(head[8+4*i:])
		if p.fanout[i] < last {
			return p, errIndex
		}
		last = p.fanout[i]
	}
	p.count = int64(last)

	info, err := p.idx.Stat()
	if err != nil {
		return p, err
	}
	if least := idxHead + p.count*28 + 2*trailer; info.Size() < least || info.Size() > least+8*p.count {
		return p, errIndex
	}
	if _, err := p.idx.ReadAt(p.sum[:], info.Size()-2*trailer); err != nil {
		return p, err
	}
	var packHead [8]byte
	if _, err := p.file.ReadAt(packHead[:], 0); err != nil || string(packHead[:]) != "PACK\x00\x00\x00\x02" {
		return p, errPack
	}
	if info, err = p.file.Stat(); err != nil {
		return p, err
	}
	var sum plumbing.Hash
	if _, err := p.file.ReadAt(sum[:], info.Size()-trailer); err != nil || sum != p.sum {
		return p, fmt.Errorf("%w: its checksum is not that of its index", errPack)
	}
	return p, nil
}

func (p *pack) close() {
	for _, f := range []*os.File{p.idx, p.file} {
		if f != nil {
			f.Close() // read only; nothing can be lost
		}
	}
}

// find looks h up in the index.
func (p *pack) find(h plumbing.Hash) (offset int64, ok bool, err error) {
	low, high := int64(0), int64(p.fanout[h[0]])
	if h[0] > 0 {
		low = int64(p.fanout[h[0]-1])
	}
	var name plumbing.Hash
	for low < high {
		mid := (low + high) / 2
		if _, err := p.idx.ReadAt(name[:], idxHead+mid*trailer); err != nil {
			return 0, false, err
		}
		switch bytes.Compare(h[:], name[:]) {
		case -1:
			high = mid
		case 1:
			low = mid + 1
		default:
			offset, err := p.offset(mid)
			return offset, err == nil, err
		}
	}
	return 0, false, nil
}

func (p *pack) offset(i int64) (int64, error) {
	var b [8]byte
	if _, err := p.idx.ReadAt(b[:4], idxHead+p.count*24+i*4); err != nil {
		return 0, err
	}
	at := binary.BigEndian.Uint32(b[:4])
	if at < 1<<31 {
		return int64(at), nil
	}
	if _, err := p.idx.ReadAt(b[:], idxHead+p.count*28+int64(at&^(1<<31))*8); err != nil {
		return 0, err
	}
	if far := binary.BigEndian.Uint64(b[:]); far < 1<<62 {
		return int64(far), nil
	}
	return 0, errIndex
}

// fileReader inflates objects out of a pack on disk, one after the other.
type fileReader struct {
	file io.ReaderAt
	buf  *bufio.Reader
	in   inflater
}

// from reads from offset, little by little: most objects are small.
func (f *fileReader) from(offset int64) *bufio.Reader {
	section := io.NewSectionReader(f.file, offset, 1<<62-offset)
	if f.buf == nil {
		f.buf = bufio.NewReaderSize(section, 4<<10)
	} else {
		f.buf.Reset(section)
	}
	return f.buf
}

func (f *fileReader) header(offset int64) (header, error) {
	if offset < 12 {
		return header{}, fmt.Errorf("%w: an object before the first", errPack)
	}
	h, err := readHeader(f.from(offset))
	if err == io.EOF {
		err = errPack
	}
	return h, err
}

// at inflates the size bytes that begin at offset. Packs are checked when they come in, so size is within the limit.
func (f *fileReader) at(offset, size int64) ([]byte, error) {
	return f.in.all(f.from(offset), size)
}

// some inflates as much as fits in b.
func (f *fileReader) some(offset int64, b []byte) (int, error) {
	if err := f.in.open(f.from(offset)); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(f.in.z, b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errPack, err)
	}
	return n, err
}
