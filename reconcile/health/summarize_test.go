package health

import (
	"math/rand"
	"reflect"
	"testing"

	"rondo.dev/rondo/render"
)

func item(name string, s Status, message string) Item {
	return Item{ID: render.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}, Status: s, Message: message}
}

func TestSummarize(t *testing.T) {
	for name, tc := range map[string]struct {
		items []Item
		worst Status
		want  string
	}{
		"nothing is current":                             {nil, Current, "nothing to wait for"},
		"one healthy object is counted":                  {[]Item{item("a", Current, "")}, Current, "1 object is healthy"},
		"healthy objects are counted":                    {[]Item{item("a", Current, ""), item("b", Current, "")}, Current, "2 objects are healthy"},
		"the first of the worst is told":                 {[]Item{item("c", InProgress, "0 of 1 pod available"), item("a", InProgress, "1 of 2 pods available")}, InProgress, "Deployment/shop/a: 1 of 2 pods available (and 1 more)"},
		"failed is worse than missing":                   {[]Item{item("a", NotFound, "does not exist"), item("b", Failed, "failed")}, Failed, "Deployment/shop/b: failed (and 1 more)"},
		"missing is worse than starting":                 {[]Item{item("a", InProgress, ""), item("b", NotFound, "does not exist")}, NotFound, "Deployment/shop/b: does not exist (and 1 more)"},
		"a status without a message is told by its name": {[]Item{item("a", Unknown, "")}, Unknown, "Deployment/shop/a: Unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Summarize(tc.items)
			if got.Worst != tc.worst || got.Sentence != tc.want {
				t.Errorf("got %s %q, want %s %q", got.Worst, got.Sentence, tc.worst, tc.want)
			}
		})
	}
}

func TestSummarizeTellsTheEvent(t *testing.T) {
	failed := item("a", Failed, "0 of 1 pod available")
	failed.Event = "Back-off restarting failed container"
	if got := Summarize([]Item{failed}).Sentence; got != "Deployment/shop/a: 0 of 1 pod available; Back-off restarting failed container" {
		t.Errorf("got %s", got)
	}
}

func TestSummarizeDoesNotDependOnOrder(t *testing.T) {
	items := []Item{item("a", InProgress, "x"), item("b", Failed, "y"), item("c", Failed, "z"), item("d", Current, "")}
	want := Summarize(items)
	random := rand.New(rand.NewSource(1))
	for range 50 {
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if got := Summarize(items); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}
