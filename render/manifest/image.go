package manifest

import "strings"

// imageOf decides which image a service runs (spec 2.4).
func (r *reader) imageOf(s *service) (string, bool) {
	built, isBuilt := r.o.Images[s.rawName]
	if !isBuilt {
		built, isBuilt = r.o.Images[s.name]
	}
	switch {
	case s.image != nil && s.git != nil:
		r.fault(s.git, s.place, "E-IMAGE-AND-GIT", "has both image and git_url", "keep one of the two")
		return "", false
	case s.git != nil && isBuilt:
		return built, true
	case s.git != nil:
		r.notBuilt(s.git.pos, s.place.key("git_url"), s.place.String()+": git_url", "set image: to a ready-made image")
		return "", false
	case s.image == nil && s.faulty:
		return "", false // a misspelt key is told already
	case s.image == nil:
		r.fault(s.self, s.place, "E-IMAGE-OR-GIT", "has no image", "add image: with a ready-made image")
		return "", false
	}
	for _, n := range []*node{s.branch, s.root, s.dockerfile, s.buildArgs} {
		if n != nil {
			r.fault(n, s.place, "W-NOT-APPLICABLE", "has an option of builds, but a ready-made image", "remove it, or replace image by git_url")
			break
		}
	}
	at := s.place.key("image")
	image, ok := r.textOf(s.image, at, s)
	if !ok {
		return "", false
	}
	if why := badImage(image); why != "" {
		r.fault(s.image, at, "E-VALUE", "is no image reference: %s", "write [host[:port]/]repository[:tag][@digest]", why)
		return "", false
	}
	return image, true
}

// badImage says what is wrong with an image reference by the grammar of the
// distribution project (reference/reference.go); empty: nothing.
func badImage(s string) string {
	if len(s) > 4096 {
		return "it is too long"
	}
	if strings.Contains(s, "://") {
		return "it has a scheme"
	}
	s, digest, hasDigest := strings.Cut(s, "@")
	if hasDigest {
		algorithm, hex, ok := strings.Cut(digest, ":")
		if !ok || algorithm == "" || len(hex) < 32 || strings.Trim(hex, "0123456789abcdef") != "" ||
			strings.Trim(algorithm, "abcdefghijklmnopqrstuvwxyz0123456789+._-") != "" || algorithm == "sha256" && len(hex) != 64 {
			return "the digest after @ is malformed"
		}
	}
	slash := strings.LastIndexByte(s, '/')
	if colon := strings.LastIndexByte(s, ':'); colon > slash {
		if !validTag(s[colon+1:]) {
			return "the tag after : is malformed"
		}
		s = s[:colon]
	}
	parts := strings.Split(s, "/")
	// As in Docker, the first part is a host if it looks like one.
	if len(parts) > 1 && (strings.ContainsAny(parts[0], ".:") || parts[0] == "localhost") {
		host, port, hasPort := strings.Cut(parts[0], ":")
		if number, ok := digits(port); hasPort && (!ok || number < 1 || number > 65535) {
			return "the port of the registry is malformed"
		}
		if !validHost(strings.ToLower(host)) {
			return "the host of the registry is malformed"
		}
		parts = parts[1:]
	}
	if len(strings.Join(parts, "/")) > 255 {
		return "the repository has more than 255 characters"
	}
	for _, part := range parts {
		switch {
		case part == "":
			return "a part of the repository is empty"
		case part != strings.ToLower(part):
			return "the repository holds upper-case letters"
		case !validRepository(part):
			return "the repository holds characters that are not allowed"
		}
	}
	return ""
}

func validTag(s string) bool {
	return s != "" && len(s) <= 128 && s[0] != '.' && s[0] != '-' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// validRepository accepts letters and digits with single dots, up to two
// underscores, or dashes between them.
func validRepository(s string) bool {
	alnum := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	if !alnum(s[0]) || !alnum(s[len(s)-1]) {
		return false
	}
	for i := 0; i < len(s); {
		if alnum(s[i]) {
			i++
			continue
		}
		end := i
		for !alnum(s[end]) {
			end++
		}
		if sep := s[i:end]; sep != "." && sep != "_" && sep != "__" && strings.Trim(sep, "-") != "" {
			return false
		}
		i = end
	}
	return true
}
