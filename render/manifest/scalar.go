package manifest

import (
	"strconv"
	"strings"
	"time"
)

// boolean reads true and false, and the words of YAML 1.1.
func boolean(n *node) (value, ok bool) {
	if n == nil || n.shape != Text {
		return false, false
	}
	switch n.text {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// integer reads decimal digits, quoted or not. There is no other base: 22:22
// and 010 are not numbers of sixty or eight.
func integer(n *node) (int64, bool) {
	if n == nil || n.shape != Text {
		return 0, false
	}
	return digits(n.text)
}

func digits(s string) (int64, bool) {
	if s == "" || s[0] == '+' || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// duration reads a number of seconds, or one with the unit s, m or h.
func duration(text string) (time.Duration, bool) {
	const most = 365 * 24 * time.Hour
	unit := time.Second
	switch {
	case strings.HasSuffix(text, "s"):
		text = text[:len(text)-1]
	case strings.HasSuffix(text, "m"):
		text, unit = text[:len(text)-1], time.Minute
	case strings.HasSuffix(text, "h"):
		text, unit = text[:len(text)-1], time.Hour
	}
	v, ok := digits(text)
	if !ok || v < 0 || v > int64(most/unit) {
		return 0, false
	}
	return time.Duration(v) * unit, true
}
