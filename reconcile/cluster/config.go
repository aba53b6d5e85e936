package cluster

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Config finds the cluster as kubectl would: the kubeconfig at path, else the
// account of the pod that this process runs in, else KUBECONFIG or
// ~/.kube/config. The file is the operator's own, so it may name a helper
// program that gets credentials (design section 8, T20).
func Config(path string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
	} else if _, inPod := os.LookupEnv("KUBERNETES_SERVICE_HOST"); inPod {
		return rest.InClusterConfig()
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("no kubeconfig is there; set KUBECONFIG to its path")
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return config, nil
}
