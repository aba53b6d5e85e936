package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// AppKey makes the private key of an App, as the file that GitHub lets one
// download, and gives its public half for [Options]. The key is made once per
// process.
func AppKey(t testing.TB) (file string, public *rsa.PublicKey) {
	t.Helper()
	key, err := appKey()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "app.pem")
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, &key.PublicKey
}

var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// apps is what the server knows about installations and tokens; guarded by
// Server.mu.
type apps struct {
	installations map[string]int64     // owner to installation
	uninstalled   map[string]bool      // owners without the App
	tokens        map[string]time.Time // installation token to its end
}

func (a *apps) init() {
	a.installations = make(map[string]int64)
	a.uninstalled = make(map[string]bool)
	a.tokens = make(map[string]time.Time)
}

// Uninstall takes the App away from an owner, whose repositories it has by default.
func (s *Server) Uninstall(owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps.uninstalled[owner] = true
}

// RevokeTokens makes every installation token issued so far worthless.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.apps.tokens)
}

// Tokens are the installation tokens that are valid now.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tokens []string
	for token, end := range s.apps.tokens {
		if s.o.Now().Before(end) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// authenticate accepts a personal token or one of an installation. Without it
// GitHub answers 401.
func (s *Server) authenticate(r *http.Request, repo string) (answer, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	refused := refuse(http.StatusUnauthorized, "Bad credentials")
	if token == "" || !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") {
		return refused, false
	}
	if !strings.HasPrefix(token, "ghs_") {
		return refused, s.o.Token == "" || token == s.o.Token
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end, issued := s.apps.tokens[token]
	return refused, issued && s.o.Now().Before(end)
}

// authenticateApp accepts a token that the App signed itself
// (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app).
func (s *Server) authenticateApp(r *http.Request) error {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !found || len(parts) != 3 || s.o.AppKey == nil {
		return fmt.Errorf("A JSON web token could not be decoded") //lint:ignore ST1005 GitHub's own words
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(s.o.AppKey, crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var claims struct {
		Issuer  string `json:"iss"`
		Expires int64  `json:"exp"`
		Issued  int64  `json:"iat"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	now := s.o.Now().Unix()
	if claims.Issuer != strconv.FormatInt(s.o.AppID, 10) || claims.Expires <= now || claims.Expires-claims.Issued > 600 {
		return fmt.Errorf("issuer %s, expires in %d s", claims.Issuer, claims.Expires-now)
	}
	return nil
}

func (s *Server) installation(r *http.Request, repo string) answer {
	if err := s.authenticateApp(r); err != nil {
		return refuse(http.StatusUnauthorized, err.Error())
	}
	owner, _, _ := strings.Cut(repo, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps.uninstalled[owner] {
		return refuse(http.StatusNotFound, "Not Found")
	}
	id := s.apps.installations[owner]
	if id == 0 {
		id = int64(len(s.apps.installations) + 1)
		s.apps.installations[owner] = id
	}
	base := "https://api.github.com/"
	return ok(http.StatusOK, map[string]any{
		"id": id, "account": userJSON(owner, "Organization"), "app_id": s.o.AppID, "app_slug": "rondo",
		"access_tokens_url": fmt.Sprintf("%sapp/installations/%d/access_tokens", base, id),
		"repositories_url":  base + "installation/repositories",
		"html_url":          fmt.Sprintf("https://github.com/organizations/%s/settings/installations/%d", owner, id),
		"target_id":         1, "target_type": "Organization", "repository_selection": "selected",
		"permissions": map[string]string{"statuses": "write", "contents": "read", "metadata": "read"},
		"events":      []string{"push", "pull_request", "merge_group"},
		"created_at":  "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
		"single_file_name": nil, "suspended_at": nil, "suspended_by": nil,
	})
}

func (s *Server) accessToken(r *http.Request, id string) answer {
	if err := s.authenticateApp(r); err != nil {
		return refuse(http.StatusUnauthorized, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := false
	for owner, installation := range s.apps.installations {
		known = known || strconv.FormatInt(installation, 10) == id && !s.apps.uninstalled[owner]
	}
	if !known {
		return refuse(http.StatusNotFound, "Not Found")
	}
	token := "ghs_" + rand.Text()
	end := s.o.Now().Add(time.Hour).UTC()
	s.apps.tokens[token] = end
	return ok(http.StatusCreated, map[string]any{
		"token": token, "expires_at": end.Format(time.RFC3339), "repository_selection": "selected",
		"permissions": map[string]string{"statuses": "write", "contents": "read", "metadata": "read"},
	})
}
