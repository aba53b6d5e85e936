package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// All of it is what a server sends.

func FuzzPackets(f *testing.F) {
	hash := strings.Repeat("a1", 20)
	for _, seed := range []string{
		"0000", "0001", "0002", "0003", "0004", "0005\x01", "fff1", "zzzz", "00", "-001", "+004", "0009ERR x", "000dpackfile\n",
		"003e" + hash + " refs/heads/main\n0000", "006e" + hash + " refs/tags/v1 peeled:" + hash + "\n0000",
		"001e# service=git-upload-pack\n0000003e" + hash + " HEAD\x00side-band-64k ofs-delta\n0000",
		"000eversion 2\n0000", "0006\x01P0006\x02p0006\x03e0000",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, read := newPackets(bytes.NewReader(b)), 0
		for {
			k, line, err := p.next()
			if err != nil {
				if err == io.EOF && read != len(b) {
					t.Fatalf("the end came after %d of %d bytes", read, len(b))
				}
				break
			}
			if k == data {
				if head := string(b[read : read+4]); !strings.EqualFold(head, fmt.Sprintf("%04x", len(line)+4)) {
					t.Fatalf("a line of %d bytes after the length %q", len(line), head)
				}
				read += len(line)
			}
			read += 4
		}
		visit := func(name, hash string) {
			if !sources.IsHash(hash) {
				t.Fatalf("%q is the hash of %q", hash, name)
			}
		}
		_ = readRefs(newPackets(bytes.NewReader(b)), func(name string, l lookup) bool { visit(name, l.commit()); return true })
		_, _, _ = readAdvert(newPackets(bytes.NewReader(b)), visit)
		_ = skipTo(newPackets(bytes.NewReader(b)), "packfile")
		if n, err := io.Copy(io.Discard, &sideband{p: newPackets(bytes.NewReader(b))}); n > int64(len(b)) {
			t.Fatalf("%d bytes out of %d, %v", n, len(b), err)
		}
	})
}

func FuzzPack(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "*.pack"))
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no packs to start from: %v", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	dir := f.TempDir()
	packs := filepath.Join(dir, filepath.FromSlash(packDir))
	if err := os.MkdirAll(packs, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var pack bytes.Buffer
		c, err := scan(bytes.NewReader(b), &pack, 1<<20, 1<<20)
		if err != nil || len(c.entries) == 0 {
			return
		}
		if err := c.resolve(context.Background(), bytes.NewReader(pack.Bytes())); err != nil {
			return
		}
		var idx bytes.Buffer
		if err := c.writeIndex(&idx); err != nil {
			t.Fatal(err)
		}
		// What was taken can be read back, object by object, and is what its hash says.
		name := filepath.Join(packs, "pack-x")
		if err := os.WriteFile(name+".pack", pack.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name+".idx", idx.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := openObjects(dir, newCache(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer o.close()
		for _, e := range c.entries {
			var content []byte
			var kind plumbing.ObjectType
			for _, kind = range []plumbing.ObjectType{plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject} {
				if content, err = o.read(e.hash, kind); err == nil {
					break
				}
			}
			size, err2 := o.size(e.hash)
			if err != nil || err2 != nil || plumbing.ComputeHash(kind, content) != e.hash || size != int64(len(content)) {
				t.Fatalf("object %s: %v, %v, %d bytes of %d", e.hash, err, err2, len(content), size)
			}
		}
	})
}

func FuzzTree(f *testing.F) {
	id := strings.Repeat("\x01", 20)
	for _, seed := range []string{
		"", "100644 a\x00" + id, "40000 ..\x00" + id, "120000 .git\x00" + id, "160000 a\x00" + id + "100644 a\x00" + id, "x", "100644 a\x00short",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseTree(b)
		if err != nil {
			return
		}
		last := ""
		for _, e := range d.list {
			name := e.Name()
			if !fs.ValidPath(name) || strings.Contains(name, "/") || name == "." || strings.EqualFold(name, ".git") || name <= last {
				t.Fatalf("%q is listed after %q", name, last)
			}
			last = name
		}
	})
}

func FuzzCommit(f *testing.F) {
	hash := strings.Repeat("a1", 20)
	f.Add([]byte("tree " + hash + "\nparent " + hash + "\nauthor A <a> 1 +0000\ngpgsig x\n y\n\nmessage\n\nmore"))
	f.Add([]byte("\n\ntree " + hash))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCommit(b)
		if err == nil && (c.tree.IsZero() || !bytes.HasSuffix(b, []byte(c.message))) {
			t.Fatalf("%q is %+v", b, c)
		}
	})
}
