package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"rondo.dev/rondo/sources"
)

const testSecret = "It's a Secret to Everybody"

// recorder is a connection whose reads need no deadline.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetReadDeadline(time.Time) error { return nil }

// counting is a handler that counts how often its parser is reached.
func counting(t testing.TB) (e *echo.Echo, parsed *int) {
	t.Helper()
	h, err := New(Options{
		Secret:  []byte(testSecret),
		Deliver: func(context.Context, Delivery) (bool, error) { return true, nil },
		Known:   func(r sources.Repo) (sources.Repo, bool) { return r, true },
		Emit:    func(context.Context, sources.Signal) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	parsed = new(int)
	h.decode = func(event string, body []byte, contentType string) (event_ event, err error) {
		*parsed++
		return decode(event, body, contentType)
	}
	e = echo.New()
	h.Register(e)
	return e, parsed
}

func sign(body string) string {
	h := hmac.New(sha256.New, []byte(testSecret))
	h.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

func post(e *echo.Echo, event, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	w := recorder{httptest.NewRecorder()}
	e.ServeHTTP(w, r)
	return w.ResponseRecorder
}

func TestT10_TheParserIsNotReachedWithoutAGoodSignature(t *testing.T) {
	const body = `{"ref":"refs/heads/main","repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`
	good := sign(body)
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1 // one bit of a hex digit: '0' to '1', 'a' to '`', which is none
	if _, err := hex.DecodeString(string(flipped[7:])); err != nil {
		flipped[len(flipped)-1] ^= 3 // 'a' to 'b' and back
	}
	old := hmac.New(sha1.New, []byte(testSecret))
	old.Write([]byte(body))
	sha1Only := "sha1=" + hex.EncodeToString(old.Sum(nil))

	for name, tc := range map[string]struct {
		header http.Header
		code   int
		parsed int
	}{
		"good":               {http.Header{"X-Hub-Signature-256": {good}}, 202, 1},
		"absent":             {http.Header{}, 401, 0},
		"empty":              {http.Header{"X-Hub-Signature-256": {""}}, 401, 0},
		"SHA-1 only":         {http.Header{"X-Hub-Signature": {sha1Only}}, 401, 0},
		"SHA-1 in its place": {http.Header{"X-Hub-Signature-256": {sha1Only}}, 401, 0},
		"no prefix":          {http.Header{"X-Hub-Signature-256": {good[7:]}}, 401, 0},
		"not hex":            {http.Header{"X-Hub-Signature-256": {"sha256=" + strings.Repeat("zz", 32)}}, 401, 0},
		"one byte short":     {http.Header{"X-Hub-Signature-256": {good[:len(good)-2]}}, 401, 0},
		"one byte long":      {http.Header{"X-Hub-Signature-256": {good + "00"}}, 401, 0},
		"one bit wrong":      {http.Header{"X-Hub-Signature-256": {string(flipped)}}, 401, 0},
		"of another body":    {http.Header{"X-Hub-Signature-256": {sign(body + " ")}}, 401, 0},
		"two of them":        {http.Header{"X-Hub-Signature-256": {good, good}}, 401, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e, parsed := counting(t)
			w := post(e, "push", body, tc.header)
			if w.Code != tc.code || *parsed != tc.parsed {
				t.Errorf("answered %d %q and parsed %d times, want %d and %d", w.Code, w.Body, *parsed, tc.code, tc.parsed)
			}
		})
	}
}

func FuzzWebhook(f *testing.F) {
	for _, body := range rubbish {
		f.Add("push", body, "application/json", true)
		f.Add("pull_request", body, "application/x-www-form-urlencoded", true)
		f.Add("merge_group", body, "", false)
	}
	f.Add("push", "payload=%7B%22ref%22%3A1%7D", "application/x-www-form-urlencoded", true)
	e, _ := counting(f)
	f.Fuzz(func(t *testing.T, event, body, contentType string, signed bool) {
		header := http.Header{"Content-Type": {contentType}, "X-Github-Event": {event}}
		if signed {
			header.Set("X-Hub-Signature-256", sign(body))
		}
		w := post(e, event, body, header)
		switch {
		case !signed && w.Code != http.StatusUnauthorized:
			t.Errorf("unsigned %q answered %d", body, w.Code)
		case w.Code != 200 && w.Code != 202 && w.Code != 400 && w.Code != 401:
			t.Errorf("%q answered %d", body, w.Code)
		case w.Body.Len() > 2*maxAddress || strings.Count(w.Body.String(), "\n") != 1:
			t.Errorf("%q answered with %q", body, w.Body)
		}
	})
}

// rubbish is what has crashed other receivers: nulls, wrong types, empty arrays
// and objects where something is expected (threats T9).
var rubbish = []string{
	``, ` `, `null`, `[]`, `{}`, `0`, `"x"`, `true`, `[[]]`, `{"ref":null}`, "\x00", "\xff\xfe", `{`, `{"ref":"refs/heads/main"`,
	`{"repository":null,"ref":null,"pull_request":null,"merge_group":null,"number":null,"action":null}`,
	`{"repository":[],"ref":[],"pull_request":[],"merge_group":[],"number":[],"action":[]}`,
	`{"repository":{},"ref":{},"pull_request":{},"merge_group":{},"number":{},"action":{}}`,
	`{"repository":"x","ref":1,"pull_request":"x","merge_group":1,"number":"1","action":1}`,
	`{"repository":{"full_name":null,"clone_url":null,"html_url":null}}`,
	`{"repository":{"full_name":[],"clone_url":{},"html_url":0}}`,
	`{"repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"ref":"","repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"ref":"main","repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"ref":"refs/heads/../../x","repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"number":-1,"pull_request":{},"repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"number":1e99,"pull_request":{},"repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"merge_group":{"head_ref":null},"repository":{"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"ref":"refs/heads/main","repository":{"full_name":"evil/shop","clone_url":"https://github.com/acme/shop.git"}}`,
	`{"ref":"refs/heads/main","repository":{"full_name":"acme/shop","clone_url":"file:///etc/passwd"}}`,
	`{"ref":"refs/heads/main","repository":{"full_name":"acme/shop","clone_url":"ext::sh -c id"}}`,
	strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 20000),
	`{"ref":"refs/heads/` + strings.Repeat("a", 70000) + `"}`,
}
