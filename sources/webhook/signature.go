package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

// mac is the signature that a request claims.
type mac [sha256.Size]byte

// signature reads the claimed signature. The old header X-Hub-Signature, with
// SHA-1, is not looked at.
func signature(header http.Header) (mac, error) {
	values := header.Values("X-Hub-Signature-256")
	if len(values) == 0 {
		return mac{}, errors.New("the header X-Hub-Signature-256 is missing; set a secret on the webhook")
	}
	text, ok := strings.CutPrefix(values[0], "sha256=")
	raw, err := hex.DecodeString(text)
	if len(values) > 1 || !ok || err != nil || len(raw) != sha256.Size {
		return mac{}, errors.New("the header X-Hub-Signature-256 is malformed")
	}
	return mac(raw), nil
}

// matches compares in constant time (threats T11).
func (m mac) matches(secret, body []byte) bool {
	h := hmac.New(sha256.New, secret)
	h.Write(body)
	return hmac.Equal(m[:], h.Sum(nil))
}
