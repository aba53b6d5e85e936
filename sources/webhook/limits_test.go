package webhook_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/sources/webhook"
)

// raw opens a connection and sends text.
func (r *receiver) raw(text string) net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

// heading is the head of a signed delivery whose signature is wrong.
func heading(extra string) string {
	return "POST " + webhook.Path + " HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nContent-Type: application/json\r\n" +
		"X-Hub-Signature-256: sha256=" + strings.Repeat("00", 32) + "\r\n" + extra + "\r\n\r\n"
}

func answerOf(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(text)))
}

// resident is the process's memory in bytes; peak is the most since reset.
func resident(t *testing.T, field string) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in /proc/self/status", field)
	return 0
}

func TestT08_OversizeBody(t *testing.T) {
	r := start(t)
	good := func(id string) {
		t.Helper()
		if got := r.deliver("push", id, push("acme/shop", "refs/heads/main")); !strings.HasPrefix(got, "202 accepted") {
			t.Errorf("a good delivery meanwhile: %s", got)
		}
	}
	good("before")
	measured := runtime.GOOS == "linux" && !raceEnabled
	var base int64
	if measured {
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			t.Skip("this kernel does not reset the peak of memory:", err)
		}
		base = resident(t, "VmRSS")
	}

	// Two gigabytes by their own declaration: refused before a byte is read.
	if got := answerOf(t, r.raw(heading("Content-Length: 2147483648"))); got != "413 the body is larger than 25 MiB" {
		t.Errorf("a declared body: %s", got)
	}
	good("between")

	// The same without a declaration: refused after 25 MiB.
	conn := r.raw(heading("Transfer-Encoding: chunked"))
	sent := make(chan int64, 1)
	go func() {
		// One frame again and again, so that the sender's memory does not count.
		frame := []byte(fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10)))
		var total int64
		for total < 2<<30 {
			n, err := conn.Write(frame)
			total += int64(n)
			if err != nil {
				break
			}
		}
		sent <- total
	}()
	good("during")
	if got := answerOf(t, conn); got != "413 the body is larger than 25 MiB" {
		t.Errorf("a chunked body: %s", got)
	}
	conn.Close()
	if total := <-sent; total > 64<<20 {
		t.Errorf("%d MiB of the body were taken", total>>20)
	}
	good("after")
	if measured {
		if grown := resident(t, "VmHWM") - base; grown > 32<<20 {
			t.Errorf("memory grew by %d MiB, want at most 32", grown>>20)
		}
	}
}

func TestT08_SlowLoris(t *testing.T) {
	r := start(t, func(o *webhook.Options) { o.ReadTimeout = 500 * time.Millisecond })
	var bodies, headers, large []net.Conn
	for range 50 {
		bodies = append(bodies, r.raw(heading("Content-Length: 1000")+"{"))
		headers = append(headers, r.raw("POST "+webhook.Path+" HTTP/1.1\r\nHost: x\r\nX-Slow: "))
	}
	// Two that want the whole budget of large bodies, one after the other.
	for range 2 {
		large = append(large, r.raw(heading("Content-Length: 26214400")+strings.Repeat("x", 70<<10)))
	}
	for i := range 20 {
		if got := r.deliver("push", fmt.Sprint("id-", i), push("acme/shop", "refs/heads/main")); !strings.HasPrefix(got, "202 accepted") {
			t.Errorf("a good delivery meanwhile: %s", got)
		}
	}
	for _, conn := range bodies {
		if got := answerOf(t, conn); got != "408 the body did not arrive in 500ms" {
			t.Fatalf("a slow body: %s", got)
		}
	}
	for _, conn := range large {
		got := answerOf(t, conn)
		if !strings.HasPrefix(got, "408") && got != "503 too many large deliveries at once; deliver it again" {
			t.Errorf("a slow large body: %s", got)
		}
	}
	for _, conn := range headers {
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil && os.IsTimeout(err) {
			t.Fatal("a connection with slow headers stays open")
		}
	}
}

func TestLargeBodiesThatAreGoodAreAccepted(t *testing.T) {
	r := start(t)
	body := push("acme/shop", "refs/heads/main")
	for _, size := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 25 << 20} {
		padded := append(body[:len(body):len(body)], strings.Repeat(" ", size-len(body))...)
		for _, how := range []string{"declared", "chunked"} {
			got := r.deliver("push", fmt.Sprintf("id-%d-%s", size, how), padded, func(req *http.Request) {
				if how == "chunked" {
					req.ContentLength, req.GetBody = -1, nil
				}
			})
			if !strings.HasPrefix(got, "202 accepted") {
				t.Errorf("%s body of %d bytes: %s", how, size, got)
			}
		}
	}
}

func TestATruncatedBodyIsRefused(t *testing.T) {
	r := start(t)
	conn := r.raw(heading("Content-Length: 1000") + "{")
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if got := answerOf(t, conn); got != "400 the body is truncated or cannot be read" {
		t.Errorf("got %q", got)
	}
}

func TestMoreBodiesThanPlacesAreAskedToComeAgain(t *testing.T) {
	r := start(t, func(o *webhook.Options) { o.ReadTimeout = time.Minute })
	var conns []net.Conn
	for range 400 {
		conns = append(conns, r.raw(heading("Content-Length: 1000")+"{"))
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for i := 0; ; i++ {
		got := r.deliver("push", fmt.Sprint("id-", i), push("acme/shop", "refs/heads/main"))
		if strings.HasPrefix(got, "503 too many deliveries at once") {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("400 bodies at once were all given a place; the last answer: %s", got)
		}
	}
	// Those without a place are told so, and not kept waiting for their body.
	busy := make(map[net.Conn]bool)
	for begun := time.Now(); len(busy) < 100; {
		for _, conn := range conns {
			if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			var head [12]byte
			if n, _ := conn.Read(head[:]); string(head[:n]) == "HTTP/1.1 503" {
				busy[conn] = true
			}
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%d of 400 were told to come again, want 100 or more", len(busy))
		}
	}
}
