package git_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

func TestT01_LinksLeadNowhere(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(name, target string) gittest.Entry {
		return gittest.Entry{Mode: gittest.Symlink, Name: name, Content: target}
	}
	repo := gittest.New(t).Repo("r")
	hash := repo.CommitTree([]gittest.Entry{
		link("absolute", filepath.Join(outside, "secret")),
		link("chain1", "chain2"), link("chain2", "real"),
		link("dir", "real-dir"),
		link("loop", "loop"),
		{Mode: gittest.Submodule, Name: "mod", Hash: strings.Repeat("1", 40)},
		link("outside", outside),
		{Mode: gittest.File, Name: "real", Content: "plain"},
		{Mode: gittest.Folder, Name: "real-dir", Entries: []gittest.Entry{
			{Mode: gittest.File, Name: "f", Content: "plain"}, link("up", "../real"),
		}},
		link("up", "../../../../../../../../.."+outside+"/secret"),
	})
	dir := t.TempDir()
	snap := open(t, newStore(t, in(dir)), repo, "main", hash)
	for name, want := range map[string]error{
		"absolute": sources.ErrLink, "chain1": sources.ErrLink, "chain2": sources.ErrLink, "loop": sources.ErrLink, "up": sources.ErrLink,
		"dir": sources.ErrLink, "dir/f": sources.ErrLink, "outside/secret": sources.ErrLink, "loop/loop": sources.ErrLink,
		"real-dir/up": sources.ErrLink, "mod": sources.ErrModule, "mod/f": sources.ErrModule, "mod/../real": fs.ErrInvalid,
		"real/f": fs.ErrNotExist, "../r": fs.ErrInvalid, "/real": fs.ErrInvalid,
	} {
		_, err1 := snap.Open(name)
		_, err2 := fs.ReadFile(snap, name)
		_, err3 := fs.Stat(snap, name)
		_, err4 := fs.ReadDir(snap, name)
		_, err5 := snap.Hash(name)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			var pe *fs.PathError
			if !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != name {
				t.Errorf("%d: %s gives %v, want %v with its path", i, name, err, want)
			} else if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), outside) && !strings.HasPrefix(name, "outside") {
				t.Errorf("%s tells its target: %v", name, err)
			}
		}
	}
	wantFile(t, snap, "real-dir/f", "plain")
	// Nothing was followed or copied while fetching either.
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte("canary")) {
			t.Errorf("%s holds the canary", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestT02_NamesOfMirrorsCannotBeGuessed(t *testing.T) {
	repo := gittest.New(t).Repo("acme/shop")
	hash := repo.Commit(map[string]string{"f": "1"})
	seen := map[string]bool{}
	for range 3 {
		dir := t.TempDir()
		open(t, newStore(t, in(dir)), repo, "main", hash)
		m := mirrors(t, dir)
		if len(m) != 1 {
			t.Fatalf("mirrors %v", m)
		}
		name := filepath.Base(m[0])
		if seen[name] || len(name) < 20 || strings.Contains(name, "shop") {
			t.Errorf("the name %q can be guessed", name)
		}
		seen[name] = true
		if info, err := os.Stat(m[0]); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mirror is %v, %v; want a folder for its owner alone", info.Mode(), err)
		}
	}
}

func TestT15_CredentialsStayWithTheirHost(t *testing.T) {
	home, other := gittest.New(t), gittest.New(t)
	hash := home.Repo("r").Commit(map[string]string{"f": "1"})
	other.Repo("r").Commit(map[string]string{"f": "evil"}, gittest.Message("evil"))
	repo := repoOf(t, home.Repo("r"))
	credentials := func(o *git.Options) {
		o.Credentials = func(context.Context, sources.Repo) (string, string, error) { return "u", "canary", nil }
	}
	for name, code := range map[string]int{"moved": 301, "found": 302, "temporary": 307, "permanent": 308} {
		t.Run(name, func(t *testing.T) {
			home.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, other.URL()+r.URL.String(), code)
				return true
			})
			s := newStore(t, credentials)
			_, err1 := s.Resolve(t.Context(), repo, "main")
			_, err2 := s.Open(t.Context(), repo, sources.Revision{Ref: "main", Hash: hash})
			for _, err := range []error{err1, err2} {
				if err == nil || !strings.Contains(err.Error(), "redirects to another host") || strings.Contains(err.Error(), "canary") {
					t.Errorf("a redirect to another host: %v", err)
				}
			}
			if n := other.Traffic().Requests; n != 0 {
				t.Errorf("the other host was asked %d times", n)
			}
		})
	}

	t.Run("a repository that moved on the same host is followed", func(t *testing.T) {
		home.RequireAuth("u", "canary")
		home.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			rest, old := strings.CutPrefix(r.URL.Path, "/old/name/")
			if old {
				http.Redirect(w, r, "/r/"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			}
			return old
		})
		s := newStore(t, credentials)
		old := sources.Repo{URL: home.URL() + "/old/name"}
		rev, err := s.Resolve(t.Context(), old, "main")
		if err != nil || rev.Hash != hash {
			t.Fatalf("moved repository: %v, %v", rev, err)
		}
		snap, err := s.Open(t.Context(), old, rev)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		wantFile(t, snap, "f", "1")
	})
}

func TestT17_HostileNamesAreWrittenNowhere(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	file := func(name string) gittest.Entry {
		return gittest.Entry{Mode: gittest.File, Name: name, Content: "[core]\n\tfsmonitor = evil\n"}
	}
	hooks := []gittest.Entry{file("config"), {Mode: gittest.Folder, Name: "hooks", Entries: []gittest.Entry{file("post-checkout")}}}
	var entries []gittest.Entry
	for _, name := range []string{"..", ".", "", "../../x", "a/b", "/etc", ".git", ".GIT", ".gIt", "git~1", "GIT~1", `a\b`, "bad\xffutf8"} {
		entries = append(entries, file(name), gittest.Entry{Mode: gittest.Folder, Name: name, Entries: hooks})
	}
	entries = append(entries, file("good"), gittest.Entry{Mode: "100000", Name: "odd"}, gittest.Entry{Mode: "10644x", Name: "odder"})
	hash := repo.CommitTree(entries)
	srv.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		if bytes.Contains(body, []byte("command=fetch")) { // git itself refuses to send such a tree
			fmt.Fprint(w, "000dpackfile\n")
			_, _ = band{w}.Write(repo.Pack())
			fmt.Fprint(w, "0000")
			return true
		}
		for _, ref := range []string{"refs/heads/../../../../x", "refs/heads/../../config", "../hooks/post-update", "refs/heads/main"} {
			line := hash + " " + ref + "\n"
			fmt.Fprintf(w, "%04x%s", len(line)+4, line)
		}
		fmt.Fprint(w, "0000")
		return true
	})
	parent := t.TempDir()
	dir := filepath.Join(parent, "mirrors")
	s := newStore(t, in(dir))
	rev, err := s.Resolve(t.Context(), repoOf(t, repo), "main")
	if err != nil || rev.Hash != hash {
		t.Fatalf("resolve among hostile names: %v, %v", rev, err)
	}
	snap := open(t, s, repo, "main", hash)
	list, err := fs.ReadDir(snap, ".")
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if want := []string{"good", "odd", "odder"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("the folder lists %q, %v; want %q", names, err, want)
	}
	for _, name := range []string{"odd", "odder"} {
		if _, err := snap.Open(name); !errors.Is(err, sources.ErrUnusual) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{".git", ".git/config", ".GIT/hooks", "git~1", `a\b`} {
		if _, err := snap.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}

	m := mirrors(t, dir)[0]
	pack := "pack-" + strings.Repeat("?", 40)
	var got []string
	err = filepath.WalkDir(parent, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(m, name)
			got = append(got, rel)
		}
		return err
	})
	want := []string{"HEAD", "config", "objects/pack/" + pack + ".idx", "objects/pack/" + pack + ".pack", "packed-refs", "url"}
	same := slices.EqualFunc(got, want, func(g, w string) bool { ok, _ := filepath.Match(w, g); return ok })
	if err != nil || !same {
		t.Errorf("files on disk: %q, %v; want %q", got, err, want)
	}
	if b, err := os.ReadFile(filepath.Join(m, "config")); err != nil || string(b) != "[core]\n\trepositoryformatversion = 0\n\tbare = true\n" {
		t.Errorf("config is %q, %v", b, err)
	}
}

// packOf builds a pack with a right checksum out of ready objects.
func packOf(count int, objects ...[]byte) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, uint32(count))
	for _, o := range objects {
		b.Write(o)
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// stored is one object of a pack: its header says size, its bytes are content.
func stored(kind byte, size uint64, base []byte, content []byte) []byte {
	c := kind<<4 | byte(size&15)
	var b bytes.Buffer
	for size >>= 4; size > 0; size >>= 7 {
		b.WriteByte(c | 0x80)
		c = byte(size & 0x7f)
	}
	b.WriteByte(c)
	b.Write(base)
	z := zlib.NewWriter(&b)
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

// sendPack answers fetches with a pack of the test's own.
func sendPack(srv *gittest.Server, pack func(w io.Writer, r *http.Request)) {
	srv.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte("command=fetch")) || !strings.HasPrefix(r.URL.Path, "/hostile/") {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		fmt.Fprint(w, "000dpackfile\n")
		pack(band{w}, r)
		fmt.Fprint(w, "0000")
		return true
	})
}

type band struct{ w io.Writer }

func (b band) Write(p []byte) (int, error) {
	n := 0
	for part := range slices.Chunk(p, 60000) {
		if _, err := fmt.Fprintf(b.w, "%04x\x01%s", len(part)+5, part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

func TestT18_HostilePacks(t *testing.T) {
	srv := gittest.New(t)
	hostile, honest := srv.Repo("hostile/r"), srv.Repo("honest")
	hash := hostile.Commit(map[string]string{"f": "1"})
	good := honest.Commit(map[string]string{"f": "good"})
	blob := stored(3, 4, nil, []byte("blob"))
	copies := func(n int) []byte { // a delta of 4 bytes into n times 4 bytes
		d := binary.AppendUvarint([]byte{4}, uint64(4*n))
		return append(d, bytes.Repeat([]byte{0x90, 4}, n)...)
	}
	back := []byte{byte(len(blob))}
	chain := [][]byte{blob}
	for range 5000 {
		chain = append(chain, stored(6, 4, []byte{byte(len(chain[len(chain)-1]))}, []byte{4, 4, 0x90, 4}))
	}
	bomb := stored(3, 1<<20, nil, make([]byte, 1<<20))

	for name, tc := range map[string]struct {
		pack []byte
		want string
	}{
		"garbage":                         {[]byte("this is no pack at all, whatever the server says"), "malformed pack"},
		"nothing":                         {nil, "truncated"},
		"an empty pack":                   {packOf(0), "sent nothing"},
		"a future version":                {[]byte("PACK\x00\x00\x00\x09\x00\x00\x00\x00"), "malformed pack"},
		"truncated in the header":         {packOf(1, blob)[:10], "truncated"},
		"truncated in an object":          {packOf(1, blob)[:16], "truncated"},
		"truncated in the checksum":       {packOf(1, blob)[:len(packOf(1, blob))-3], "truncated"},
		"a wrong checksum":                {append(packOf(1, blob)[:len(packOf(1, blob))-1], 'x'), "checksum"},
		"more objects than it has":        {packOf(9, blob), "malformed pack"},
		"four billion objects":            {packOf(1<<32-1, blob), "more than"},
		"an object of unknown kind":       {packOf(1, stored(5, 4, nil, []byte("blob"))), "unknown kind"},
		"an object longer than it says":   {packOf(1, stored(3, 3, nil, []byte("blob"))), "malformed pack"},
		"an object shorter than it says":  {packOf(1, stored(3, 5, nil, []byte("blob"))), "malformed pack"},
		"an object of 2 GiB, it says":     {packOf(1, stored(3, 2<<30, nil, []byte("blob"))), "more than"},
		"an object of 2^63 bytes":         {packOf(1, stored(3, 1<<63, nil, []byte("blob"))), "malformed pack"},
		"nothing, of a size below zero":   {packOf(1, stored(3, 1<<63, nil, nil)), "malformed pack"},
		"a size without end":              {packOf(1, bytes.Repeat([]byte{0xbf}, 99)), "malformed pack"},
		"a delta that makes 1 GiB":        {packOf(2, blob, stored(6, uint64(len(copies(10))), back, append(binary.AppendUvarint([]byte{4}, 1<<30), copies(10)[2:]...))), "more than"},
		"a delta on nothing":              {packOf(1, stored(6, 4, []byte{7}, []byte{4, 4, 0x90, 4})), "no object"},
		"a delta on itself":               {packOf(1, stored(6, 4, []byte{0}, []byte{4, 4, 0x90, 4})), "no object"},
		"a delta on an object elsewhere":  {packOf(1, stored(7, 4, bytes.Repeat([]byte{7}, 20), []byte{4, 4, 0x90, 4})), "no base"},
		"a delta of rubbish":              {packOf(2, blob, stored(6, 4, back, []byte{4, 4, 0, 0})), "malformed pack"},
		"a delta that copies from beyond": {packOf(2, blob, stored(6, 6, back, []byte{4, 4, 0x91, 9, 9, 9})), "malformed pack"},
		"a delta without a size":          {packOf(2, blob, stored(6, 0, back, nil)), "more than"},
		"a long chain, without the commit": {packOf(len(chain), chain...),
			"no longer part of the ref"},
		"more than the limit": {packOf(100, bytes.Repeat(stored(3, 70000, nil, noise(70000, 1)), 100)), "larger than"},
		"a compressed bomb":   {packOf(500, bytes.Repeat(bomb, 500)), "no longer part of the ref"},
		"a pack without what was asked for": {packOf(1, blob),
			"no longer part of the ref"},
	} {
		t.Run(name, func(t *testing.T) {
			sendPack(srv, func(w io.Writer, _ *http.Request) { _, _ = w.Write(tc.pack) })
			dir := t.TempDir()
			s := newStore(t, in(dir), func(o *git.Options) { o.MaxFetchBytes, o.MaxObjectBytes = 4<<20, 8<<20 })
			started := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := s.Open(t.Context(), repoOf(t, hostile), sources.Revision{Ref: "main", Hash: hash})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 64<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			inFlight, err := filepath.Glob(filepath.Join(dir, "tmp", "*", "*"))
			if err != nil || len(inFlight) > 0 {
				t.Errorf("left in flight: %q, %v", inFlight, err)
			}
			wantFile(t, open(t, s, honest, "main", good), "f", "good") // the next repository still syncs
		})
	}
}

// noise does not compress; another seed gives other noise.
func noise(n int, seed uint32) []byte {
	b, x := make([]byte, n), seed*2654435761
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestAnswerThatEndsEarly(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("hostile/r")
	hash := repo.Commit(map[string]string{"f": "1"})
	sendPack(srv, func(io.Writer, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := newStore(t).Open(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash})
	if err == nil || !strings.Contains(err.Error(), "closed the connection") && !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a broken connection: %v", err)
	}
}

func TestT18_ServerThatHangs(t *testing.T) {
	srv := gittest.New(t)
	hostile, honest := srv.Repo("hostile/r"), srv.Repo("honest")
	hash := hostile.Commit(map[string]string{"f": "1"})
	good := honest.Commit(map[string]string{"f": "good"})
	for name, hang := range map[string]func(w io.Writer, r *http.Request){
		"at once": func(_ io.Writer, r *http.Request) { <-r.Context().Done() },
		"in the middle of an object": func(w io.Writer, r *http.Request) {
			pack := packOf(1, stored(3, 70000, nil, noise(70000, 1)))
			_, _ = w.Write(pack[:60000])
			w.(band).w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			sendPack(srv, hang)
			s := newStore(t, func(o *git.Options) { o.CloneTimeout = 300 * time.Millisecond })
			_, err := s.Open(t.Context(), repoOf(t, hostile), sources.Revision{Ref: "main", Hash: hash})
			if err == nil || !strings.Contains(err.Error(), "the server took longer than 300ms") {
				t.Errorf("error %v does not name the limit", err)
			}
			until(t, "the next repository is cloned", func() bool { // a busy machine may need more than one limit for it
				snap, err := s.Open(t.Context(), repoOf(t, honest), sources.Revision{Ref: "main", Hash: good})
				if err != nil {
					return false
				}
				defer snap.Close()
				wantFile(t, snap, "f", "good")
				return true
			})
		})
	}
	t.Run("asked for a ref", func(t *testing.T) {
		srv.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		})
		s := newStore(t, func(o *git.Options) { o.ResolveTimeout = 300 * time.Millisecond })
		_, err := s.Resolve(t.Context(), repoOf(t, hostile), "main")
		if err == nil || !strings.Contains(err.Error(), "the server took longer than 300ms") {
			t.Errorf("error %v does not name the limit", err)
		}
	})
}

// panicky panics while a pack is read, as a decoder might.
type panicky struct{ on *atomic.Bool }

func (p panicky) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && p.on.Load() {
		res.Body = panickyBody{res.Body}
	}
	return res, err
}

type panickyBody struct{ io.ReadCloser }

func (panickyBody) Read([]byte) (int, error) { panic("index out of range") }

func TestT18_PanicCostsOneFetch(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	var on atomic.Bool
	s := newStore(t, func(o *git.Options) { o.Transport = panicky{&on} })
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	on.Store(true)
	if _, err := s.Open(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash}); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a panic became %v", err)
	}
	on.Store(false)
	wantFile(t, open(t, s, repo, "main", hash), "f", "1")
}

func TestFilesThatAreTooBigAreNotRead(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	repo.Commit(map[string]string{"limit": strings.Repeat("x", sources.MaxFileSize), "over": strings.Repeat("x", sources.MaxFileSize+1)})
	// The second version of a file is stored as a delta of a few bytes.
	hash := repo.Commit(map[string]string{"over": strings.Repeat("x", 3*sources.MaxFileSize)})
	repo.Git("gc", "--quiet")
	snap := open(t, newStore(t), repo, "main", hash)
	if b, err := fs.ReadFile(snap, "limit"); err != nil || len(b) != sources.MaxFileSize {
		t.Errorf("a file of the largest size: %d bytes, %v", len(b), err)
	}
	_, err1 := snap.Open("over")
	_, err2 := fs.ReadFile(snap, "over")
	_, err3 := fs.Stat(snap, "over")
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, sources.ErrTooBig) {
			t.Errorf("a file over the limit: %v", err)
		}
	}
}
