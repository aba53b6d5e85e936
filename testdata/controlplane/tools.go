//go:build tools

// Package controlplane pins the real parts of a Kubernetes control plane. Nothing imports it: it is there so
// that its go.mod and go.sum say exactly which programs reconcile/kubetest builds and runs. kwok has a module of its
// own beside this one, because it and Kubernetes ask for different versions of the same libraries.
package controlplane

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
)
