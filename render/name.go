package render

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// MaxName is the longest name of an object, in bytes: that of a DNS label,
// which is what most kinds and every label value ask for.
const MaxName = 63

// Name joins parts with dashes into the name of an object. A name above
// [MaxName] is cut and ends in a dash and 8 hex digits of the SHA-256 of the
// whole, so that two long names stay two (spec 2.2 rule 4).
func Name(parts ...string) string {
	name := strings.Join(parts, "-")
	if len(name) <= MaxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.TrimRight(name[:MaxName-9], "-") + "-" + hex.EncodeToString(sum[:4])
}
