package reconcile

import (
	"sync"
)

// trouble remembers, per application, why the remote could not be asked.
type trouble struct {
	mu    sync.Mutex
	texts map[string]string
}

func (t *trouble) set(app, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.texts == nil {
		t.texts = map[string]string{}
	}
	t.texts[app] = text
}

func (t *trouble) clear(app string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.texts, app)
}

// Trouble says why the newest look at the application's remote gave no answer;
// empty when it did.
func (r *Reconciler) Trouble(app string) string {
	r.trouble.mu.Lock()
	defer r.trouble.mu.Unlock()
	return r.trouble.texts[app]
}
