package sources

import (
	"fmt"
	"strings"
)

// Revision names one commit of one ref. Its text form, "main@sha1:3f2c…", is
// the only one used in statuses, logs, annotations and the ledger. The zero
// value means that nothing is known and prints as "none".
type Revision struct {
	Ref  string `json:"ref"`  // short: "main", "pull/42/head"; never "refs/heads/main"
	Hash string `json:"hash"` // 40 lower-case hex digits, never abbreviated
}

// IsZero reports whether r names no commit.
func (r Revision) IsZero() bool { return r.Hash == "" }

func (r Revision) String() string {
	if r.IsZero() {
		return "none"
	}
	return r.Ref + "@sha1:" + r.Hash
}

// Short is the first seven digits of the hash, for a person to recognise a
// commit by; never a key.
func (r Revision) Short() string {
	if len(r.Hash) < 7 {
		return r.Hash
	}
	return r.Hash[:7]
}

// ParseRevision reads what [Revision.String] printed.
func ParseRevision(s string) (Revision, error) {
	ref, hash, ok := strings.Cut(s, "@sha1:")
	if !ok || ref == "" || !IsHash(hash) {
		return Revision{}, fmt.Errorf("%q is not a revision of the form main@sha1:<40 hex>", s)
	}
	return Revision{Ref: ref, Hash: hash}, nil
}

// IsHash reports whether s is a full SHA-1 in lower-case hex.
func IsHash(s string) bool {
	if len(s) != 40 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// FullRef turns a short ref into the name git uses: "main" becomes
// "refs/heads/main", "pull/42/head" "refs/pull/42/head", and "tags/v1"
// "refs/tags/v1". A full name stays as it is.
func FullRef(short string) string {
	switch {
	case strings.HasPrefix(short, "refs/"):
		return short
	case strings.HasPrefix(short, "pull/"), strings.HasPrefix(short, "tags/"):
		return "refs/" + short
	default:
		return "refs/heads/" + short
	}
}

// ShortRef undoes [FullRef].
func ShortRef(full string) string {
	if s, ok := strings.CutPrefix(full, "refs/heads/"); ok {
		return s
	}
	return strings.TrimPrefix(full, "refs/")
}

// ValidRef refuses names that git itself would refuse (git-check-ref-format)
// and those that a shell, a path or a URL could misread. It takes short names.
func ValidRef(short string) error {
	bad := func(why string) error { return fmt.Errorf("ref %q %s", short, why) }
	switch {
	case short == "":
		return bad("is empty")
	case len(short) > 255:
		return fmt.Errorf("ref of %d bytes is longer than 255", len(short))
	case strings.HasPrefix(short, "refs/"):
		return bad("is not short; write main for refs/heads/main")
	case strings.HasPrefix(short, "-"):
		return bad("starts with a dash")
	case strings.HasPrefix(short, "/"), strings.HasSuffix(short, "/"), strings.Contains(short, "//"):
		return bad("has an empty component")
	case strings.HasSuffix(short, "."), strings.Contains(short, ".."):
		return bad("ends in a dot or holds two in a row")
	case strings.Contains(short, "@{"), short == "@":
		return bad(`holds "@{" or is "@"`)
	}
	for _, r := range short {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) || r == '\uFFFD' {
			return bad(fmt.Sprintf("holds the forbidden character %q", r))
		}
	}
	for part := range strings.SplitSeq(short, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return bad("has a component that starts with a dot or ends in .lock")
		}
	}
	return nil
}
