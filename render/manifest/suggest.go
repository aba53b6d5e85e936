package manifest

import (
	"slices"
	"strings"
)

// maxSuggestions is after how many errors no name is looked for any more:
// suggestions must not be what makes a hostile file slow.
const maxSuggestions = 30

// near is nearest, among the first candidates and for the first errors.
func (r *reader) near(word string, candidates []string) string {
	const most = 1000
	if r.errors > maxSuggestions {
		return ""
	}
	candidates = slices.DeleteFunc(slices.Clone(candidates[:min(len(candidates), most)]), func(c string) bool { return shown(c) != c })
	// Names that people make up are longer than keys, and further off.
	return within(word, candidates, max(2, len(word)/3))
}

// Nearest returns the candidate within two edits of word, and not equal to it:
// the closest, then the first; empty where none is. Words of one or two letters
// have none, since everything is near to them. rondo.yaml gives the same hints.
func Nearest(word string, candidates []string) string { return within(word, candidates, 2) }

func within(word string, candidates []string, limit int) string {
	written := word
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	if len(word) < 3 || len(word) > 64 {
		return ""
	}
	best, found := limit+1, ""
	for _, c := range candidates {
		if c == written {
			continue
		}
		near := strings.ToLower(strings.ReplaceAll(c, "-", "_"))
		if d := distance(word, near, best); d < best && d < len(word)-1 {
			best, found = d, c
		}
	}
	return found
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// between a and b (optimal string alignment); at or above limit it may return
// any number not below limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
