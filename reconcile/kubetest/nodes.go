package kubetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// nodeAnnotation with the value "fake" gives a node to kwok.
const nodeAnnotation = "kwok.x-k8s.io/node"

// writeKwokConfig writes kwok.yaml from the cached stages and returns the StorageClass that they serve.
func (cp *ControlPlane) writeKwokConfig(stages string) (*storagev1.StorageClass, error) {
	upstream, err := os.ReadFile(stages)
	if err != nil {
		return nil, err
	}
	config, class, err := kwokConfig(upstream)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stages, err)
	}
	return class, os.WriteFile(filepath.Join(cp.Dir, "kwok.yaml"), config, 0o600)
}

func createStorageClass(ctx context.Context, client kubernetes.Interface, class *storagev1.StorageClass) error {
	_, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	return err
}

// createNodes creates the nodes node-1 to node-N and waits until each is ready and takes Pods.
func (cp *ControlPlane) createNodes(ctx context.Context, client kubernetes.Interface) error {
	for i := range max(0, cp.options.Nodes) {
		name := fmt.Sprintf("node-%d", i+1)
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{nodeAnnotation: "fake"},
			Labels:      map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"},
		}}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return poll(ctx, cp.processes, func() error {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, node := range nodes.Items {
			if !takesPods(node) {
				return fmt.Errorf("wait for Node/%s: it is not ready, its taints are %v", node.Name, node.Spec.Taints)
			}
		}
		return nil
	})
}

// takesPods reports whether the scheduler would put Pods there.
func takesPods(node corev1.Node) bool {
	if len(node.Spec.Taints) > 0 {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
