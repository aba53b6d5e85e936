package manifest

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// hostsOf reads traffic_matches (spec 2.7).
func (r *reader) hostsOf(s *service) []Host {
	var out []Host
	seen := map[string]bool{}
	at := s.place.key("traffic_matches")
	for i, item := range items(s.hosts) {
		p := at.index(i)
		text, ok := r.textOf(item, p, s)
		if !ok {
			continue
		}
		// The value of a variable may be a list.
		for part := range strings.SplitSeq(text, ",") {
			name, why, fix := hostName(strings.TrimSpace(part))
			if why != "" {
				r.fault(item, p, "E-HOST-SYNTAX", "is no host name: it %s", fix, why)
				break
			}
			if !seen[name] {
				seen[name] = true
				out = append(out, Host{Pos: item.pos, Name: name})
			}
		}
	}
	return out
}

// hostName is a host in lower-case punycode, "*.x" for a wildcard, or empty for
// any host; why is what is wrong with it.
func hostName(s string) (name, why, fix string) {
	const form = "write a name such as shop.example.org or *.example.org"
	switch {
	case s == "_":
		return "", "", ""
	case s == "":
		return "", "is empty", form
	case strings.Contains(s, "://"):
		return "", "has a scheme", "write the host name alone"
	case strings.ContainsAny(s, "/?#"):
		return "", "has a path", "write the host name alone"
	case strings.Contains(s, ":"):
		return "", "has a port", "write the host name alone; ports: has the number"
	}
	rest, wildcard := strings.CutPrefix(s, "*.")
	if strings.Contains(rest, "*") {
		return "", "has a star that is not its first part", "write *.example.org"
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(rest, "."))
	if err != nil || !validHost(ascii) {
		return "", "has characters or parts that are not allowed", form
	}
	if _, err := netip.ParseAddr(ascii); err == nil {
		return "", "is an IP address", form
	}
	if wildcard {
		if !strings.Contains(ascii, ".") {
			return "", "covers a whole top-level domain", "write *.example.org"
		}
		ascii = "*." + ascii
	}
	return ascii, "", ""
}

// validHost accepts DNS names of RFC 1123 in lower case.
func validHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
