package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// packOf is a pack of these objects. A delta is on top of the object before it.
func packOf(t *testing.T, all ...object) []byte {
	t.Helper()
	var pack bytes.Buffer
	pack.WriteString("PACK\x00\x00\x00\x02")
	pack.Write(binary.BigEndian.AppendUint32(nil, uint32(len(all))))
	before := 0
	for _, o := range all {
		begin := pack.Len()
		c := byte(o.kind)<<4 | byte(len(o.bytes)&15)
		for size := len(o.bytes) >> 4; size > 0; size >>= 7 {
			pack.WriteByte(c | 0x80)
			c = byte(size & 0x7f)
		}
		pack.WriteByte(c)
		if o.kind == plumbing.OFSDeltaObject {
			far := begin - before
			back := []byte{byte(far & 0x7f)}
			for far = far>>7 - 1; far >= 0; far = far>>7 - 1 {
				back = append([]byte{byte(far&0x7f) | 0x80}, back...)
			}
			pack.Write(back)
		}
		z := zlib.NewWriter(&pack)
		if _, err := z.Write(o.bytes); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		before = begin
	}
	sum := sha1.Sum(pack.Bytes())
	return append(pack.Bytes(), sum[:]...)
}

// taken are the objects of a pack that was taken in and opened.
func taken(t *testing.T, raw []byte) *objects {
	t.Helper()
	dir := t.TempDir()
	packs := filepath.Join(dir, filepath.FromSlash(packDir))
	if err := os.MkdirAll(packs, 0o700); err != nil {
		t.Fatal(err)
	}
	var pack, idx bytes.Buffer
	c, err := scan(bytes.NewReader(raw), &pack, 64<<20, maxTree)
	if err == nil {
		err = c.resolve(t.Context(), bytes.NewReader(pack.Bytes()))
	}
	if err == nil {
		err = c.writeIndex(&idx)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(packs, "pack-x.pack"), pack.Bytes(), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(packs, "pack-x.idx"), idx.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := openObjects(dir, newCache(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	o.users = 1
	return o
}

func TestT18_ChainOfLargeDeltasTakesLittleMemory(t *testing.T) {
	// Text that repeats compresses a thousandfold: a few kilobytes on the wire for
	// each of the deltas, and a file of one byte at their end.
	const size, links = 127 << 14, 48
	first := bytes.Repeat([]byte("b"), size)
	same := binary.AppendUvarint(binary.AppendUvarint(nil, size), size)
	same = append(same, bytes.Repeat(append([]byte{127}, first[:127]...), size/127)...)
	end := append(binary.AppendUvarint(binary.AppendUvarint(nil, size), 1), 0x91, 0, 1)
	all := append([]object{{plumbing.BlobObject, first}}, slices.Repeat([]object{{plumbing.OFSDeltaObject, same}}, links)...)
	o := taken(t, packOf(t, append(all, object{plumbing.OFSDeltaObject, end})...))
	defer o.close()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := o.read(plumbing.ComputeHash(plumbing.BlobObject, []byte("b")), plumbing.BlobObject)
	runtime.ReadMemStats(&after)
	if err != nil || string(got) != "b" {
		t.Errorf("the file is %q, %v", got, err)
	}
	// All deltas at once are 95 MiB.
	if grown := int64(after.Sys) - int64(before.Sys); grown > 48<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
}

func TestT07_ManyLargeFoldersTakeLittleMemory(t *testing.T) {
	const folders, files = 40, 20_000
	id := strings.Repeat("\x01", 20)
	var all []object
	var root bytes.Buffer
	for i := range folders {
		var tree bytes.Buffer
		for j := range files {
			fmt.Fprintf(&tree, "100644 f%05d-%02d\x00%s", j, i, id)
		}
		all = append(all, object{plumbing.TreeObject, tree.Bytes()})
		hash := plumbing.ComputeHash(plumbing.TreeObject, tree.Bytes())
		fmt.Fprintf(&root, "40000 d%02d\x00%s", i, hash[:])
	}
	all = append(all, object{plumbing.TreeObject, root.Bytes()})
	o := taken(t, packOf(t, all...))
	all = nil
	s := &snapshot{
		view: &view{objects: o, mirror: newMirror(sources.Repo{})},
		root: plumbing.ComputeHash(plumbing.TreeObject, root.Bytes()), folders: map[plumbing.Hash]folder{},
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range folders {
		name := fmt.Sprintf("d%02d/f00007-%02d", i, i)
		if got, err := s.Hash(name); err != nil || got != strings.Repeat("01", 20) {
			t.Fatalf("hash of %s is %s, %v", name, got, err)
		}
	}
	// Forgotten folders are read again.
	if got, err := s.Hash("d00/f00008-00"); err != nil || got != strings.Repeat("01", 20) {
		t.Errorf("hash in the first folder is %s, %v", got, err)
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d folders of %d files take %d MiB", folders, files, grown>>20)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
