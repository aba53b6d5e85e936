package cluster

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodsOfAMissingAccountAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	f := start(t)
	as := func(account string) string {
		return strings.Replace(deployment("web", "example.org/shop:1"), "      containers:", "      serviceAccountName: "+account+"\n      containers:", 1)
	}
	p := f.plan(f.bundle(configMap("env", "info"), as("robot")))
	if len(p.Refused) != 1 || p.Refused[0].Code != "E-SA-MISSING" || p.Refused[0].Pos.String() != "manifest.yml:2" {
		t.Errorf("refused %v", p.Refused)
	}
	for _, account := range []string{"default", f.target.ServiceAccount} {
		if p := f.plan(f.bundle(as(account))); len(p.Refused) > 0 {
			t.Errorf("%s: refused %v", account, p.Refused)
		}
	}
	brought := "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}"
	if p := f.plan(f.bundle(brought, as("robot"))); len(p.Refused) > 0 {
		t.Errorf("brought along: refused %v", p.Refused)
	}
	robot := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}
	if _, err := f.typed.CoreV1().ServiceAccounts(f.target.Namespace).Create(t.Context(), robot, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.pass(f.bundle(as("robot")))
}

func TestFactsOfTheCluster(t *testing.T) {
	t.Parallel()
	f := start(t)
	facts, err := f.c.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if facts.ClusterVersion == "" || len(facts.Nodes) == 0 || !slices.IsSorted(facts.Nodes) || facts.KEDA {
		t.Errorf("got %+v", facts)
	}
}
