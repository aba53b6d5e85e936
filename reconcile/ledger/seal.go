package ledger

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
	apijson "k8s.io/apimachinery/pkg/util/json"

	"rondo.dev/rondo/reconcile"
)

// sealFormat is the first byte of what is sealed; it names all of the layout:
// format, 24 bytes of nonce, XChaCha20-Poly1305 of gzip of JSON.
const sealFormat = 1

type sealer struct {
	aead cipher.AEAD
	id   string // names the key without giving it away
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key has %d bytes instead of %d", len(key), KeySize)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("rondo ledger key"))
	return &sealer{aead: aead, id: hex.EncodeToString(mac.Sum(nil)[:16])}, nil
}

// seal makes bytes that only open for the same app.
func (s *sealer) seal(app string, a reconcile.Artifact) ([]byte, error) {
	var plain bytes.Buffer
	zip := gzip.NewWriter(&plain)
	if err := errors.Join(json.NewEncoder(zip).Encode(a), zip.Close()); err != nil {
		return nil, err
	}
	head := make([]byte, 1+chacha20poly1305.NonceSizeX, 1+chacha20poly1305.NonceSizeX+plain.Len()+s.aead.Overhead())
	head[0] = sealFormat
	rand.Read(head[1:]) // never fails; 192 random bits do not repeat
	return s.aead.Seal(head, head[1:], plain.Bytes(), bound(app)), nil
}

// open undoes seal. Numbers of a Body come back as int64 where they have no
// fraction and fit, else as float64, so that digests stay what they were; the
// one exception is a negative zero, which no field of Kubernetes takes.
func (s *sealer) open(app string, sealed []byte) (a reconcile.Artifact, err error) {
	if len(sealed) < 1+chacha20poly1305.NonceSizeX || sealed[0] != sealFormat {
		return a, errors.New("is not of a format that this rondo knows")
	}
	nonce, body := sealed[1:1+chacha20poly1305.NonceSizeX], sealed[1+chacha20poly1305.NonceSizeX:]
	packed, err := s.aead.Open(nil, nonce, body, bound(app))
	if err != nil {
		return a, errors.New("does not open: it is damaged, of another application, or sealed with a key other than that of the key file")
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return a, err
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		return a, err
	}
	return a, apijson.Unmarshal(plain, &a)
}

func bound(app string) []byte {
	return append([]byte{sealFormat}, app...)
}

// checkKey makes the ledger belong to the key it is first opened with.
func (l *Ledger) checkKey(ctx context.Context) error {
	_, err := l.writer.ExecContext(ctx,
		`INSERT INTO meta (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING`, l.seal.id)
	if err != nil {
		return err
	}
	var id string
	if err := l.writer.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'key'`).Scan(&id); err != nil {
		return err
	}
	if id != l.seal.id {
		return fmt.Errorf("%w; restore the key file it was made with, or, if that is lost, move the ledger away and start with an empty one", ErrKey)
	}
	return nil
}
