// Package kubetest starts a real Kubernetes control plane for tests and for the demo.
//
// [Build] compiles etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok from the two nested modules
// under testdata/controlplane, once per machine, into a cache outside the tree. [Start] runs them on ports of their own on
// 127.0.0.1 and returns when Pods can be scheduled. Everything answers as in a cluster, admission and garbage
// collection included, except that no container runs: kwok plays the nodes and says that Pods are ready.
//
// A test package shares one control plane and gives each test a namespace:
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
//
//	func TestApply(t *testing.T) {
//		cp := kubetest.Shared(t)
//		ns := kubetest.Namespace(t, cp)
//		client := kubernetes.NewForConfigOrDie(cp.ConfigFor("rondo"))
//		…
//	}
//
// The first build takes minutes, more than the ten that "go test" allows on a small machine. Do it beforehand, with
//
//	go test ./reconcile/kubetest -run '^TestBuild$' -v -timeout 30m
//
// What a test can break on purpose, from a manifest in git, is in [NeverReady], [Crash] and [NoSuchImage]. What rondo
// did to the cluster is told by the API server itself: [ControlPlane.RequestCounts] and [Audit].
//
// # Promises
//
// [ControlPlane.Stop] ends every process that Start began and removes its folder. If the test process dies first, the
// kernel kills them (on Linux), and the next Start removes the folder. Nothing listens beyond 127.0.0.1, every
// token is random, and the network is not used once the modules are in Go's module cache.
//
// # Decisions
//
//   - A real API server, no fake clientset: managed fields, server-side apply, immutability and RBAC are what rondo's
//     promises rest on, and a fake has none of them.
//   - Built from source at pinned versions rather than downloaded: go.sum then says what runs, and CI needs only a
//     module proxy.
//   - kwok rather than a kubelet: a Deployment is ready in under a second, without root, cgroups or a registry.
//   - One control plane per test process, not one for all: packages stay independent, and it costs about four seconds
//     and 600 MB.
//   - Data in memory (/dev/shm) and an etcd that does not sync: nothing here outlives the test.
package kubetest
