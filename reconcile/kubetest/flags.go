package kubetest

import (
	"fmt"
	"path/filepath"
)

// Every server listens with SO_REUSEPORT, because freePort still holds its port.

func etcdFlags(dir, url string, peer int) []string {
	peers := fmt.Sprintf("http://127.0.0.1:%d", peer)
	return []string{
		"--name=kubetest",
		"--data-dir=" + filepath.Join(dir, "etcd"),
		"--unsafe-no-fsync",
		"--socket-reuse-port",
		"--listen-client-urls=" + url,
		"--advertise-client-urls=" + url,
		"--listen-peer-urls=" + peers,
		"--initial-advertise-peer-urls=" + peers,
		"--initial-cluster=kubetest=" + peers,
		"--heartbeat-interval=10", // ms; a member that is alone need not wait a second to elect itself
		"--election-timeout=100",
		"--log-level=warn",
	}
}

func apiServerFlags(dir, etcd string, port int) []string {
	return []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--permit-port-sharing",
		"--cert-dir=" + dir,
		"--tls-cert-file=" + filepath.Join(dir, "server.crt"),
		"--tls-private-key-file=" + filepath.Join(dir, "server.key"),
		"--token-auth-file=" + filepath.Join(dir, "tokens.csv"),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + filepath.Join(dir, "service-accounts.key"),
		"--service-account-signing-key-file=" + filepath.Join(dir, "service-accounts.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged=true",
		"--endpoint-reconciler-type=none",                   // one server that no Pod can reach
		"--disable-admission-plugins=TaintNodesByCondition", // nobody takes the taint off again, see below
	}
}

func controllerManagerFlags(dir string) []string {
	return []string{
		"--kubeconfig=" + filepath.Join(dir, "system:kube-controller-manager.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--root-ca-file=" + filepath.Join(dir, "ca.crt"),
		"--service-account-private-key-file=" + filepath.Join(dir, "service-accounts.key"),
		"--use-service-account-credentials=false",
		// It makes Pods unready on a node whose heartbeat it has not seen in the last seconds, as on a
		// busy machine or right after the start. A kubelet would take that back; kwok does not.
		"--controllers=*,-node-lifecycle-controller",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

func schedulerFlags(dir string) []string {
	return []string{
		"--kubeconfig=" + filepath.Join(dir, "system:kube-scheduler.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

// kwokFlags leave nodes without the annotation alone, so that a real kubelet can stand beside the played ones.
func kwokFlags(dir string) []string {
	return []string{
		"--kubeconfig=" + filepath.Join(dir, "kwok.kubeconfig"),
		"--config=" + filepath.Join(dir, "kwok.yaml"),
		"--manage-nodes-with-annotation-selector=" + nodeAnnotation + "=fake",
		"--cidr=10.244.0.0/16",
	}
}
