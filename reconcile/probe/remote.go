package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"rondo.dev/rondo/render"
)

const (
	// overhead is what a checker may take beyond the timeout of what it asks.
	overhead = 10 * time.Second
	// maxReport bounds the answer of a checker, in bytes.
	maxReport = 64 << 10
)

// Remote is a checker elsewhere, that the operator runs: told an address, it
// asks that from where it is. It gets a POST of {"url": …, "timeout": seconds,
// "redirects_to_follow": n, "verify_certs": true} and answers 200 with
// {"status": 200, "milliseconds": 120}, or with {"error": "…"} where the address
// gave none.
type Remote struct {
	Name string // of its region, as reports have it
	URL  string
}

// request has the checker make one GET. Whether the status is accepted is decided here.
func (r Remote) request(ctx context.Context, c render.Check, address string) (status int, took time.Duration, fault string) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout+overhead)
	defer cancel()
	order, err := json.Marshal(map[string]any{
		"url": address, "timeout": c.Timeout.Seconds(), "redirects_to_follow": c.MaxRedirects, "verify_certs": c.VerifyCertificates,
	})
	if err != nil {
		return 0, 0, "cannot be asked"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(order))
	if err != nil {
		return 0, 0, "the checker has no usable address"
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, "the checker does not answer"
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, 0, fmt.Sprintf("the checker answered %d", res.StatusCode)
	}
	var report struct {
		Status       int
		Milliseconds int64
		Error        string
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxReport)).Decode(&report); err != nil {
		return 0, 0, "the checker's answer is not understood"
	}
	took = time.Duration(report.Milliseconds) * time.Millisecond
	if report.Error != "" {
		return report.Status, took, plain(report.Error)
	}
	return report.Status, took, judge(report.Status, c)
}

// plain makes text of a checker fit for a status: one short line.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > 80 {
		text = string(runes[:80]) + "…"
	}
	return text
}
