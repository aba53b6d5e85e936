package daemon_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// apartFrom is an application with a repository and a namespace of its own, in
// the world of w. The configuration has still to be put in force.
func (w *world) apartFrom(name string) *world {
	w.t.Helper()
	other := *w
	other.app, other.ns = w.app+"-"+name, kubetest.Namespace(w.t, w.cp)
	other.repo = w.Git.Repo("acme/" + other.app)
	return &other
}

// becomes waits until the application has a condition, and what its web reads
// is want.
func (w *world) becomes(commit string, condition reconcile.Condition, want string) client.Detail {
	w.t.Helper()
	var detail client.Detail
	kubetest.Eventually(w.t, func() (err error) {
		if detail, err = w.API().App(w.t.Context(), w.app); err != nil {
			return err
		}
		if r := detail.Newest; r == nil || r.Revision.Hash != commit || r.Ended.IsZero() || detail.Condition != condition {
			return fmt.Errorf("%s is %s: %s", w.app, detail.Condition, detail.Sentence)
		}
		if got := w.reads(); got != want {
			return fmt.Errorf("web reads %q, want %q", got, want)
		}
		return nil
	})
	return detail
}

// reads is what PRICES is in the containers of web; empty without any.
func (w *world) reads() string {
	w.t.Helper()
	config, err := w.kube.CoreV1().ConfigMaps(w.ns).List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range config.Items {
		if value, ok := c.Data["PRICES"]; ok {
			return value
		}
	}
	return ""
}

func TestApplicationsReadWhatOthersShareWithThem(t *testing.T) {
	w := newWorld(t, settings{idle: true})
	shop, mail, other := w.apartFrom("shop"), w.apartFrom("mail"), w.apartFrom("other")
	if err := w.Configure(shop.entry(nil), mail.entry(nil), other.entry(nil)); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	shares := func(price, with string) string {
		return fmt.Sprintf("config_store: { share_with: [%s] }\nenvironment_variables: { PRICES: %s, TOKEN: AUTO_GENERATE }\nservices: { api: { image: registry.example.org/shop/api:1 } }\n", with, price)
	}
	reading := "environment_variables: { PRICES: \"from _env(STACK[" + shop.app + "/production].PRICES)\" }\nservices: { web: { image: registry.example.org/web:1 } }\n"

	// Before it is shared the reader waits with a clear word.
	reader := mail.push(manifest(reading))
	detail := mail.becomes(reader, reconcile.Invalid, "")
	if want := "refers to application " + shop.app + "/production, which shares nothing with this one; list this application in config_store.share_with of that one"; !strings.Contains(detail.Sentence, want) {
		t.Errorf("got %s\nwant %s", detail.Sentence, want)
	}
	shop.push(manifest(shares("eur", mail.app)))
	mail.becomes(reader, reconcile.Live, "from eur")

	// Changes follow by themselves, and cost one pass.
	passes := mail.state().Newest.Pass
	shop.push(manifest(shares("usd", mail.app)))
	detail = mail.becomes(reader, reconcile.Live, "from usd")
	if detail.Newest.Trigger != reconcile.TriggerShared || detail.Newest.Pass <= passes {
		t.Errorf("pass %d by %s", detail.Newest.Pass, detail.Newest.Trigger)
	}
	shop.settles(shop.push(manifest(shares("usd", mail.app)+"# nothing that others read\n")), reconcile.Live)
	if again := mail.state().Newest.Pass; again != detail.Newest.Pass {
		t.Errorf("a change that it does not read made pass %d", again)
	}

	// Who is not on the list reads nothing.
	stranger := other.push(manifest(reading))
	detail = other.becomes(stranger, reconcile.Invalid, "")
	if !strings.Contains(detail.Sentence, "which shares nothing with this one") {
		t.Errorf("got %s", detail.Sentence)
	}

	// A daemon that starts finds what is shared, and what changed while it was away.
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	shop.repo.Commit(manifest(shares("gbp", mail.app+", "+other.app+"/production")))
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	mail.becomes(reader, reconcile.Live, "from gbp")
	other.becomes(stranger, reconcile.Live, "from gbp")
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := mail.push(manifest(reading + "# once more\n"))
	mail.becomes(second, reconcile.Live, "from gbp")

	// What is taken back is told, and what runs keeps running.
	shop.push(manifest(shares("gbp", other.app)))
	mail.becomes(second, reconcile.Invalid, "from gbp")
}

func TestEntriesOfTheConfigStoreThatTheOperatorListsAreChecked(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"config_store": map[string]any{"app": map[string]any{"MAIL.HOST": ""}}}})
	reading := func(key string) map[string]string {
		return manifest("environment_variables: { HOST: _configstore(" + key + ") }\nservices: { web: { image: registry.example.org/web:1 } }\n")
	}
	detail := w.settles(w.push(reading("MAIL.HOTS")), reconcile.Invalid)
	if !strings.Contains(detail.Sentence, "refers to an entry that the config store does not have; write _configstore(MAIL.HOST)") {
		t.Errorf("got %s", detail.Sentence)
	}
	w.settles(w.push(reading("MAIL.HOST")), reconcile.Live)
	w.reload(w.entry(map[string]any{"config_store": map[string]any{"account": map[string]any{"MAIL.HOST": ""}}}))
	kubetest.Eventually(t, func() error {
		env := w.deployment("web").Spec.Template.Spec.Containers[0].Env
		for _, v := range env {
			if v.Name == "HOST" && v.ValueFrom.SecretKeyRef.Name == "account-configstore" {
				return nil
			}
		}
		return fmt.Errorf("web reads %+v", env)
	})
}
