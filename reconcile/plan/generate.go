package plan

import (
	"fmt"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// Codes of generated Secrets.
const (
	CodeSecretLost = "E-SECRET-LOST"
	CodeSecretKey  = "E-SECRET-KEY"
)

// generated plans a Secret whose values are made up in the cluster (design
// 3.9). What counts is which of its keys were made, never its digest: it is
// created once, gets the keys that it lacks, and is otherwise left alone.
func (c *computation) generated(out Change, entry Entry, known bool) (Change, bool) {
	object := *out.Object
	found, read := c.live.Objects[object.ID]
	drift, drifted := c.live.Drifts[object.ID]
	gone := read && !found.Exists && !found.Unseen || !read && drifted && drift.Missing
	made := known && len(entry.Keys) > 0
	names := keyNames(object)
	out.Keys = names
	switch {
	case !made && !read && !known:
		c.unread = append(c.unread, object.ID)
	case !made:
		out.Action, out.Missing = Create, names
		if found.Exists && !known {
			out.Reason = "adopted; what it has keeps its value"
		}
	case gone && object.Generate.Lasting:
		c.refuse(object, CodeSecretLost, fmt.Sprintf("%s is gone, and data depends on the values it had", object.ID),
			"restore it from a backup and run rondo sync "+c.Target.App)
		return out, false
	case gone:
		out.Action, out.Reason, out.Missing = Heal, "deleted; its values are made anew", names
	default:
		return c.generatedMore(out, entry, names)
	}
	return out, true
}

// generatedMore plans what a Secret that was made needs: the keys it lacks, and
// its place back when it was orphaned.
func (c *computation) generatedMore(out Change, entry Entry, names []string) (Change, bool) {
	object := *out.Object
	for _, name := range names {
		if !slices.Contains(entry.Keys, name) {
			out.Missing = append(out.Missing, name)
		}
	}
	for _, key := range object.Generate.Keys {
		if from := readsFrom(object, key, entry.Keys); from != "" && slices.Contains(out.Missing, key.Name) {
			c.refuse(object, CodeSecretKey,
				fmt.Sprintf("key %s of %s is made of %s, whose value nobody may read", key.Name, object.ID, from),
				"set the key by hand to what it should be, or delete the Secret where no data depends on it")
			return out, false
		}
	}
	out.Keys = union(entry.Keys, names)
	switch {
	case len(out.Missing) > 0:
		out.Action, out.Reason = Configure, "adds "+plural(len(out.Missing), "key ", "keys ")+strings.Join(out.Missing, ", ")
	case entry.Orphaned != 0:
		out.Action, out.Reason = Configure, "taken back"
	case entry.Digest != out.Digest, remembers(object, entry):
		out.Remember = true
	}
	out.Return = entry.Orphaned != 0
	return out, true
}

// readsFrom names a key that was made before and that the text of key stands
// on; empty: there is none.
func readsFrom(o render.Object, key render.GeneratedKey, made []string) string {
	if key.Length > 0 {
		return ""
	}
	for _, other := range o.Generate.Keys {
		if slices.Contains(made, other.Name) && strings.Contains(key.Text, "$("+other.Name+")") {
			return other.Name
		}
	}
	return ""
}

func keyNames(o render.Object) []string {
	var names []string
	for _, key := range o.Generate.Keys {
		names = append(names, key.Name)
	}
	return names
}

// union is a, then what b has besides.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
