package kubetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/yaml"
)

// What a Pod does instead of becoming ready. A Pod asks for it by carrying the word in the annotation [FaultAnnotation]
// or anywhere in the image of one of its containers: "example.org/shop:never-ready" does. The image is what a manifest
// in git can change.
const (
	// NeverReady is a Pod that runs and whose readiness probe fails for ever. Under a Job it never ends.
	NeverReady = "never-ready"
	// Crash is a Pod whose containers wait in CrashLoopBackOff after exit code 1. With restartPolicy Never it is Failed
	// instead, and with it, in time, its Job.
	Crash = "crash"
	// NoSuchImage is a Pod whose containers wait in ImagePullBackOff.
	NoSuchImage = "no-such-image"

	// FaultAnnotation stands on the Pod: in a Deployment it goes into the template.
	FaultAnnotation = "rondo.dev/kubetest"
)

// stageFiles are taken from the kwok module, below kustomize/stage. The chaos stages do nothing to a Pod without their label
// (pod-container-running-failed.stage.kwok.x-k8s.io, pod-init-container-running-failed.stage.kwok.x-k8s.io: "true").
var stageFiles = []string{
	"node/fast/node-initialize.yaml",
	"node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml",
	"pod/fast/pod-complete.yaml",
	"pod/fast/pod-delete.yaml",
	"pod/chaos/pod-container-running-failed.yaml",
	"pod/chaos/pod-init-container-running-failed.yaml",
	"volume/fast/storage-class.yaml",
	"volume/fast/pv-bind.yaml",
	"volume/fast/pv-delete.yaml",
	"volume/fast/pvc-provision.yaml",
	"volume/fast/pvc-delete.yaml",
}

// keepStages copies kwok's stage files out of its module into one file beside the binary, so that a start needs neither
// the go command nor the module cache.
func keepStages(ctx context.Context, out io.Writer, kwok Tool) (path string, err error) {
	_, dir, err := kwok.place()
	if err != nil {
		return "", err
	}
	list := sha256.Sum256([]byte(strings.Join(stageFiles, "\n")))
	path = filepath.Join(dir, fmt.Sprintf("stages-%x.yaml", list[:4]))
	if isFile(path) {
		return path, nil
	}
	if out == nil {
		out = io.Discard
	}
	unlock, err := lockFolder(ctx, out, dir, "copying stages")
	if err != nil {
		return "", err
	}
	defer unlock()
	source, _, err := kwok.Source(ctx)
	if err != nil {
		return "", err
	}
	var all bytes.Buffer
	for _, name := range stageFiles {
		content, err := os.ReadFile(filepath.Join(source, "kustomize/stage", name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "---\n%s\n", content)
	}
	partial := filepath.Join(dir, ".stages.partial")
	if err := os.WriteFile(partial, all.Bytes(), 0o644); err != nil {
		return "", err
	}
	return path, os.Rename(partial, path)
}

// kwokConfig turns the upstream stages into those we play: healthy Pods go their upstream way, those that ask for a fault
// go ours. It also returns the StorageClass that the volume stages serve, the cluster's default.
func kwokConfig(stages []byte) (config []byte, class *storagev1.StorageClass, err error) {
	var all bytes.Buffer
	for document := range bytes.SplitSeq(stages, []byte("---\n")) {
		var object map[string]any
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, nil, err
		}
		if object == nil {
			continue
		}
		if object["kind"] == "StorageClass" {
			class = &storagev1.StorageClass{}
			if err := yaml.Unmarshal(document, class); err != nil {
				return nil, nil, err
			}
			continue
		}
		name := object["metadata"].(map[string]any)["name"]
		if name == "pod-ready" || name == "pod-complete" {
			selector := object["spec"].(map[string]any)["selector"].(map[string]any)
			healthy := map[string]any{"key": faultKey, "operator": "DoesNotExist"}
			selector["matchExpressions"] = append(selector["matchExpressions"].([]any), healthy)
		}
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(&all, "---\n%s", text)
	}
	if class == nil {
		return nil, nil, fmt.Errorf("kwok's stages have no StorageClass; remove the cached file and build again")
	}
	all.WriteString("---\n" + strings.ReplaceAll(faultStages, "FAULT", faultKey))
	return all.Bytes(), class, nil
}

// faultKey is the jq expression that names a Pod's fault; it yields nothing for a healthy one.
const faultKey = `.metadata.annotations["` + FaultAnnotation + `"] // ` +
	`([.spec.containers[].image | capture("(?<word>` + NeverReady + `|` + Crash + `|` + NoSuchImage + `)") | .word] | first)`

//go:embed faults.yaml
var faultStages string
