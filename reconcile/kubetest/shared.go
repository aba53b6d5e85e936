package kubetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// shared is the one control plane of a test process.
var shared struct {
	sync.Mutex
	main bool // Main runs, so somebody will stop it
	cp   *ControlPlane
	err  error
}

// Main runs the tests of a package and then stops the control plane that Shared started, if it did:
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
func Main(m *testing.M) (code int) {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	code = m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.cp != nil {
		if err := shared.cp.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the control plane:", err)
			code = max(code, 1)
		}
	}
	return code
}

// Shared returns the control plane of this test process, with two nodes and an audit log, and starts it at the first
// call. Tests keep apart by a Namespace of their own. With -short the test is skipped when the programs would have to be
// built first. The package needs a TestMain that calls Main.
func Shared(t testing.TB) *ControlPlane {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		t.Fatal("kubetest.Shared needs: func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }")
	}
	if shared.cp == nil && shared.err == nil {
		if testing.Short() && !Built() {
			t.Skip("the control plane is not built yet, which takes minutes; run once without -short")
		}
		// Not the test's context: the control plane outlives this test.
		shared.cp, shared.err = Start(context.Background(), Options{AuditLog: true, Out: os.Stderr})
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cp
}

// Built says whether Build would have nothing to do.
func Built() bool {
	tools, err := controlPlaneTools()
	if err != nil {
		return false
	}
	for _, tool := range tools {
		_, dir, err := tool.place()
		if err != nil || !isFile(filepath.Join(dir, tool.Name)) {
			return false
		}
	}
	return true
}

// Namespace creates a namespace named after the test, with a random end, and returns its name once Pods can be created
// in it. When the test ends the namespace is deleted, which nobody waits for.
func Namespace(t testing.TB, cp *ControlPlane) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	name := namespaceName(t.Name())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("remove Namespace/%s: %v", name, err)
		}
	})
	if !cp.options.NoControllers {
		// Until the controller manager has made this account, Pods are refused, and the retries are slow.
		Eventually(t, func() error {
			_, err := client.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", metav1.GetOptions{})
			return err
		})
	}
	return name
}

// namespaceName makes "testapply-adopts-k3v9x" of "TestApply/adopts": at most 63 lower-case letters, digits and dashes.
func namespaceName(test string) string {
	var name strings.Builder
	for _, r := range strings.ToLower(test) {
		if r < '0' || r > '9' && r < 'a' || r > 'z' {
			r = '-'
		}
		name.WriteRune(r)
	}
	short := strings.Trim(name.String()[:min(name.Len(), 50)], "-")
	return "t" + strings.TrimPrefix(short, "t") + "-" + strings.ToLower(rand.Text()[:6])
}

// Patience is how long a test waits for what must come. It is no measure of
// speed: only a defect takes so long, also on a machine that does much else.
const Patience = 2 * time.Minute

// Eventually calls try every 20 ms until it returns nil. After Patience the test fails with the last error.
func Eventually(t testing.TB, try func() error) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("still wrong after %s: %v", Patience, err)
		case <-tick.C:
		}
	}
}
