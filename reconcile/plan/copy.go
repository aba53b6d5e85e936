package plan

// copied plans a Secret that has the values of another application's. Its own
// values are not read: whoever changed them is told by the metadata, and what it
// is made of by its version.
func (c *computation) copied(out Change, entry Entry, known bool) (Change, bool) {
	object := *out.Object
	found, read := c.live.Objects[object.ID]
	drift, drifted := c.live.Drifts[object.ID]
	made := known && entry.Digest != ""
	switch {
	case c.Withdrawn[object.ID]:
		out.Action, out.Reason = Skip, object.Copy.App+" does not share "+object.Copy.Database+" any more"
	case !read && !made:
		c.unread = append(c.unread, object.ID)
	case !made && !found.Exists:
		out.Action = Create
	case !made && !known:
		out.Action, out.Reason = Configure, "adopted"
	case !made:
		out.Action, out.Reason = Configure, "was begun before"
	case read && !found.Exists && !found.Unseen, !read && drifted && drift.Missing:
		out.Action, out.Reason = Heal, "deleted"
	case entry.Digest != out.Digest:
		out.Action = Configure
	case found.Source != "" && found.Source != entry.Mark.Source:
		out.Action, out.Reason = Configure, "changed in "+object.Copy.App
	case drifted:
		out.Action, out.Reason = Heal, "changed"
	default:
		out.Remember = remembers(object, entry)
	}
	return out, true
}
