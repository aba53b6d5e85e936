package health

import (
	"fmt"
	"sort"
)

// severity orders statuses: what is final comes before what may still change.
func severity(s Status) int {
	switch s {
	case Failed:
		return 5
	case NotFound:
		return 4
	case Terminating:
		return 3
	case Unknown:
		return 2
	case InProgress:
		return 1
	}
	return 0
}

// Summarize makes a Report. Items are sorted by identity; the sentence is about
// the first of the worst, and says how many others are not well.
func Summarize(items []Item) Report {
	r := Report{Items: append([]Item{}, items...), Worst: Current}
	sort.SliceStable(r.Items, func(i, j int) bool { return r.Items[i].ID.Less(r.Items[j].ID) })
	unwell := 0
	var worst Item
	for _, item := range r.Items {
		if item.Status == Current {
			continue
		}
		unwell++
		if severity(item.Status) > severity(r.Worst) {
			r.Worst, worst = item.Status, item
		}
	}
	switch {
	case len(r.Items) == 0:
		r.Sentence = "nothing to wait for"
	case unwell == 0 && len(r.Items) == 1:
		r.Sentence = "1 object is healthy"
	case unwell == 0:
		r.Sentence = fmt.Sprintf("%d objects are healthy", len(r.Items))
	default:
		r.Sentence = worst.String()
		if unwell > 1 {
			r.Sentence += fmt.Sprintf(" (and %d more)", unwell-1)
		}
	}
	return r
}

// String is the item in one sentence: "Deployment/shop/web: 1 of 2 pods available".
func (i Item) String() string {
	return i.ID.String() + ": " + i.Why()
}

// Why is String without the object.
func (i Item) Why() string {
	s := or(i.Message, string(i.Status))
	if i.Event != "" {
		s += "; " + i.Event
	}
	return s
}
