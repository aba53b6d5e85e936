package data

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// bucketFolder is where the tests' backup lies in the store.
const bucketFolder = "copies/rondo/shop/production/postgresql-default/backup"

// objectStore is a real server of the S3 API, its bucket a folder of the stage.
// Requests pass through the test, which may break them off.
type objectStore struct {
	*stage
	env []string // of store.sh
	// cut is asked about the body of each upload; nil: nothing is broken off.
	mutex sync.Mutex
	cut   func(path string, body io.ReadCloser) io.ReadCloser
}

func newStore(t *testing.T, s *stage) *objectStore {
	t.Helper()
	program, err := kubetest.BuildTool(t.Context(), os.Stderr, kubetest.Tool{
		Module: "testdata/rclone", Package: "rondo.dev/rondo/testdata/rclone", Name: "rclone", LDFlags: "-s -w", Takes: "about 2 min on 2 cores",
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	s.write("bin/rclone", string(b)) // the stage's user may not read the cache
	s.write("s3/.keep", "")
	s.write("s3/copies/.keep", "")
	address := "127.0.0.1:" + freePort(t)
	server := s.command(nil, filepath.Join(s.folder, "bin/rclone"), "serve", "s3", "--config", "/notfound", "--auth-key", "access-id,secret-word", "--addr", address, filepath.Join(s.folder, "s3"))
	var said strings.Builder
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the object store does not start:\n%s", said.String())
		}
	}
	o := &objectStore{stage: s}
	proxy := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: address})
		r.Out.Host = r.In.Host // it is signed
		o.mutex.Lock()
		defer o.mutex.Unlock()
		if o.cut != nil && r.In.Method == http.MethodPut {
			r.Out.Body = o.cut(r.In.URL.Path, r.Out.Body)
		}
	}}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	o.env = rendered(t, &render.ObjectStore{Endpoint: front.URL, Bucket: "copies", Region: "us-east-1", Prefix: "rondo", Provider: "Other", Secret: "store-key"})
	o.env = append(o.env, "PATH="+filepath.Join(s.folder, "bin")+":"+os.Getenv("PATH"), "BACKUP_FOLDER="+filepath.Join(s.folder, "backup"), "TMPDIR="+s.folder, "HOME="+s.folder)
	return o
}

// rendered is the environment that store.sh has in its container, with what the
// Secret holds.
func rendered(t *testing.T, store *render.ObjectStore) []string {
	t.Helper()
	app := &manifest.Application{App: "shop", Environment: "production"}
	db := manifest.Database{Engine: "postgresql", Group: "default"}
	secret := map[string]string{"access_key_id": "access-id", "secret_access_key": "secret-word"}
	var env []string
	for _, e := range storeContainer(app, db, manifest.Backup{Name: "backup", Keep: 2, Store: store}, "put")["env"].([]any) {
		e := e.(map[string]any)
		value, plain := e["value"].(string)
		if !plain {
			ref := e["valueFrom"].(map[string]any)["secretKeyRef"].(map[string]any)
			if ref["name"] != store.Secret {
				t.Errorf("%s is of the Secret %s", e["name"], ref["name"])
			}
			value = secret[ref["key"].(string)]
		}
		env = append(env, e["name"].(string)+"="+value)
	}
	return env
}

func (o *objectStore) script() string { return filepath.Join(o.folder, "scripts/store.sh") }

// held lists what the bucket's folder holds, by name.
func (o *objectStore) held() []string {
	o.Helper()
	entries, err := os.ReadDir(filepath.Join(o.folder, "s3", bucketFolder))
	if err != nil && !os.IsNotExist(err) {
		o.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// emptied makes the folder of copies what it is in a new Pod.
func (o *objectStore) emptied() {
	o.Helper()
	for _, file := range o.copies() {
		for _, f := range []string{file, file + ".sha256"} {
			if err := os.Remove(f); err != nil {
				o.Fatal(err)
			}
		}
	}
}

// made is a copy as backup.sh leaves it, the only one of its Pod.
func (o *objectStore) made(name, text string) {
	o.Helper()
	o.emptied()
	o.write("backup/"+name, text)
	o.write("backup/"+name+".sha256", fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(text)), name))
}

// upload puts a file where no script would.
func (o *objectStore) upload(path, text string) {
	o.Helper()
	o.must(o.env, filepath.Join(o.folder, "bin/rclone"), "copyto", o.write("file", text), "store:"+path)
}

// fetched runs fetch in a new Pod and gives the name and the text of the copy.
func (o *objectStore) fetched(env ...string) (name, text string) {
	o.Helper()
	o.emptied()
	o.must(append(o.env, env...), "sh", o.script(), "fetch")
	copies := o.copies()
	if len(copies) != 1 {
		o.Fatalf("fetched %q", copies)
	}
	o.must(nil, "sh", "-c", "cd backup && sha256sum -c *.sha256")
	b, err := os.ReadFile(copies[0])
	if err != nil {
		o.Fatal(err)
	}
	return filepath.Base(copies[0]), string(b)
}

func TestPostgreSQLComesBackFromAnObjectStore(t *testing.T) {
	s, env := newPostgres(t)
	o := newStore(t, s)
	env = append(env, "BACKUP_KEY=key word")
	ask := func(sql string) string { return s.ask(env, sql) }
	run := func(name string) string { return s.must(env, "bash", filepath.Join(s.folder, "scripts", name)) }
	ask(exotic)
	const state = "SELECT id, word, mood FROM things ORDER BY id"
	before := ask(state)
	run("backup.sh")
	copied := s.copies()[0]
	whole, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	out := s.must(o.env, "sh", o.script(), "put")
	name := filepath.Base(copied)
	want := fmt.Sprintf(`{"result":"made","file":"%s","bytes":%d,"sha256":"%x","object":"%s/%[1]s","seconds":`, name, len(whole), sha256.Sum256(whole), bucketFolder)
	if !strings.HasPrefix(out, want) {
		t.Errorf("it reports %s\nwant %s…", out, want)
	}
	if report, err := os.ReadFile(filepath.Join(s.folder, "report")); err != nil || string(report) != out+"\n" {
		t.Errorf("the report is %q, %v", report, err)
	}
	if diff := cmp.Diff([]string{name, name + ".sha256"}, o.held()); diff != "" {
		t.Errorf("the bucket holds (- want, + got):\n%s", diff)
	}

	ask("DROP VIEW merry; DELETE FROM things; DROP FUNCTION three()")
	o.fetched()
	if out := run("verify.sh"); !strings.Contains(out, `"result":"verified"`) {
		t.Error(out)
	}
	run("restore.sh")
	if got := ask(state); got != before {
		t.Errorf("after the restore: %q, want %q", got, before)
	}
}

func TestAnObjectStoreKeepsTheNewestCopies(t *testing.T) {
	o := newStore(t, newStage(t, "sh"))
	put := func(name string) {
		t.Helper()
		o.made(name, "text of "+name)
		o.must(o.env, "sh", o.script(), "put")
	}
	const first, second, third, fourth = "backup-20270101T000000Z.sql.gz", "backup-20270102T000000Z.sql.gz.enc", "backup-20270103T000000Z.tar", "backup-20270104T000000Z.sql.gz"
	put(first)
	put(second)
	// None of these is a copy of this backup; the last is what an upload left.
	others := []string{"backup-nightly-20260101T000000Z.sql.gz.sha256", "backup.txt"}
	for _, name := range append(others, "backup-20260101T000000Z.sql.gz") {
		o.upload(bucketFolder+"/"+name, "")
	}
	put(third)
	put(fourth)
	put(fourth) // the same once more
	want := []string{third, third + ".sha256", fourth, fourth + ".sha256", others[0], others[1]}
	if diff := cmp.Diff(want, o.held()); diff != "" {
		t.Errorf("the bucket holds (- want, + got):\n%s", diff)
	}
	if name, text := o.fetched(); name != fourth || text != "text of "+fourth {
		t.Errorf("the newest is %s: %q", name, text)
	}
	if name, text := o.fetched("BACKUP_FILE=" + third); name != third || text != "text of "+third {
		t.Errorf("the one that was named is %s: %q", name, text)
	}
}

func TestAnObjectStoreThatRefusesIsToldPlainly(t *testing.T) {
	o := newStore(t, newStage(t, "sh"))
	const name = "backup-20270101T000000Z.sql.gz"
	o.upload("copies/other/"+name, "no copy without its checksum")
	closed := "127.0.0.1:" + freePort(t)
	for title, tc := range map[string]struct{ task, set, want string }{
		"another word":              {"put", "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY=another-word", "the object store refuses the key in the Secret"},
		"another word, fetch":       {"fetch", "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY=another-word", "the object store refuses the key in the Secret"},
		"a key it does not know":    {"put", "RCLONE_CONFIG_STORE_ACCESS_KEY_ID=another-id", "the object store refuses the key in the Secret"},
		"no such bucket":            {"put", "STORE_FOLDER=elsewhere/rondo", "the object store has no bucket elsewhere"},
		"nobody there":              {"put", "RCLONE_CONFIG_STORE_ENDPOINT=http://" + closed, "did not do what it was asked to; the log says why"},
		"nothing made":              {"put", "BACKUP_NAME=other", "there is no copy in "},
		"nothing there":             {"fetch", "", "there is no copy in " + bucketFolder},
		"a copy without checksum":   {"fetch", "STORE_FOLDER=copies/other", "there is no copy in copies/other"},
		"a named one, without":      {"fetch", "STORE_FOLDER=copies/other\x00BACKUP_FILE=" + name, "there is no copy " + name},
		"a name that leads outside": {"fetch", "BACKUP_FILE=../other/" + name, "there is no copy ../other/"},
	} {
		t.Run(title, func(t *testing.T) {
			o.made(name, "text")
			env := append(o.env, "RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1")
			o.fails(`,"reason":"`, append(env, strings.Split(tc.set, "\x00")...), "sh", o.script(), tc.task)
			report, err := os.ReadFile(filepath.Join(o.folder, "report"))
			if err != nil || !strings.Contains(string(report), tc.want) || strings.Contains(string(report), "word") {
				t.Errorf("the report is %s, %v; want %s", report, err, tc.want)
			}
			if held := o.held(); held != nil {
				t.Errorf("the bucket holds %q", held)
			}
		})
	}
}

// cutAfter gives so many bytes of a body, and then does what it is told to.
type cutAfter struct {
	io.ReadCloser
	left int
	then func()
}

func (c *cutAfter) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.then()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func TestAnUploadThatIsKilledLeavesNoCopy(t *testing.T) {
	o := newStore(t, newStage(t, "sh"))
	const first, second, third = "backup-20270101T000000Z.sql", "backup-20270102T000000Z.sql", "backup-20270103T000000Z.sql"
	o.made(first, "whole")
	o.must(o.env, "sh", o.script(), "put")
	for title, tc := range map[string]struct {
		at   string
		left int
	}{
		"before the copy":     {second, 0},
		"in the copy":         {second, 100 << 10},
		"before the checksum": {second + ".sha256", 0},
		"in the checksum":     {second + ".sha256", 10},
	} {
		t.Run(title, func(t *testing.T) {
			o.made(second, strings.Repeat(title, 100<<10)) // what is there already is not uploaded again
			put := o.command(o.env, "sh", o.script(), "put")
			put.SysProcAttr.Setpgid = true
			began, cut := make(chan int, 1), make(chan struct{})
			kill := sync.OnceFunc(func() {
				syscall.Kill(-<-began, syscall.SIGKILL)
				close(cut)
			})
			o.mutex.Lock()
			o.cut = func(path string, body io.ReadCloser) io.ReadCloser {
				if !strings.HasSuffix(path, "/"+tc.at) {
					return body
				}
				return &cutAfter{body, tc.left, kill}
			}
			o.mutex.Unlock()
			if err := put.Start(); err != nil {
				t.Fatal(err)
			}
			began <- put.Process.Pid
			if err := put.Wait(); err == nil {
				t.Error("it ended well")
			}
			select {
			case <-cut:
			case <-time.After(10 * time.Second):
				t.Error("it was not cut off")
			}
			o.mutex.Lock()
			o.cut = nil
			o.mutex.Unlock()
			if name, text := o.fetched(); name != first || text != "whole" {
				t.Errorf("the newest is %s: %.20q", name, text)
			}
		})
	}
	o.made(third, "third")
	o.must(append(o.env, "BACKUP_KEEP=1"), "sh", o.script(), "put")
	if diff := cmp.Diff([]string{third, third + ".sha256"}, o.held()); diff != "" {
		t.Errorf("the next upload leaves (- want, + got):\n%s", diff)
	}
}
