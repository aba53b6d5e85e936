package cluster

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// labelInventory marks the ConfigMaps that hold inventories.
const labelInventory = render.Domain + "/inventory"

// Keys of the first ConfigMap of an inventory.
const (
	keyContent = "inventory.json.gz"
	keyHMAC    = "hmac"
	keyParts   = "parts" // names of further ConfigMaps, in order, separated by commas
)

// maxInventory bounds what is unpacked: 64 MiB are half a million objects.
const maxInventory = 64 << 20

func inventoryName(app string) string { return "rondo-inventory-" + app }

// partName holds a hash of the part, so that none is ever overwritten. The dot
// keeps it apart from the inventory of any application.
func partName(app string, part []byte) string {
	sum := sha256.Sum256(part)
	return "rondo-inventory." + hex.EncodeToString(sum[:8]) + "." + app
}

// stored is an inventory as it is in the cluster.
type stored struct {
	plan.Inventory
	parts []string // names of the further ConfigMaps
}

// readInventory gives the zero value for an application never applied, and one
// with Broken set when it is not to be trusted.
func (c *Cluster) readInventory(ctx context.Context, api client, t plan.Target) (stored, error) {
	maps := api.objects(configMaps, t.Namespace)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	head, err := maps.Get(ctx, inventoryName(t.App), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return stored{}, nil
	}
	if err != nil {
		return stored{}, fmt.Errorf("read the inventory of %s: %w", t.App, err)
	}
	out := stored{Inventory: plan.Inventory{Version: head.GetResourceVersion()}}
	out.Paused = head.GetAnnotations()[render.AnnotationReconcile] == "paused"
	broken := func(why string) (stored, error) {
		out.Entries, out.Broken = nil, why
		return out, nil
	}
	content, err := part(head)
	if err != nil {
		return broken(err.Error())
	}
	if names := text(head, keyParts); names != "" {
		out.parts = strings.Split(names, ",")
	}
	for _, name := range out.parts {
		more, err := maps.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return broken("ConfigMap/" + name + " is missing")
		}
		if err != nil {
			return stored{}, fmt.Errorf("read the inventory of %s: %w", t.App, err)
		}
		bytes, err := part(more)
		if err != nil {
			return broken(err.Error())
		}
		content = append(content, bytes...)
	}
	mac, err := hex.DecodeString(text(head, keyHMAC))
	if !c.o.ReadOnly && (err != nil || !hmac.Equal(mac, c.sign(t, content))) {
		return broken("its HMAC does not fit: it was changed by hand, or written with another key")
	}
	inventory, err := unpack(content)
	if err != nil {
		return broken(err.Error())
	}
	inventory.Version, inventory.Paused = out.Version, out.Paused
	out.Inventory = inventory
	return out, nil
}

// writeInventory writes inv as the version that follows inv.Version, and gives
// the new version. A conflict says that it is no longer the newest.
func (c *Cluster) writeInventory(ctx context.Context, api client, t plan.Target, inv stored) (stored, error) {
	content, err := pack(inv.Inventory)
	if err != nil {
		return inv, err
	}
	maps := api.objects(configMaps, t.Namespace)
	before := inv.parts
	inv.parts = nil
	rest := content[min(len(content), c.partSize):]
	for chunk := range slices.Chunk(rest, c.partSize) {
		name := partName(t.App, chunk)
		u := c.inventoryMap(t, name)
		u.Object["binaryData"] = map[string]any{keyContent: base64.StdEncoding.EncodeToString(chunk)}
		request, cancel := bounded(ctx)
		_, err := maps.Create(request, u, metav1.CreateOptions{FieldManager: plan.Manager})
		cancel()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return inv, err
		}
		inv.parts = append(inv.parts, name)
	}
	head := c.inventoryMap(t, inventoryName(t.App))
	head.Object["binaryData"] = map[string]any{keyContent: base64.StdEncoding.EncodeToString(content[:len(content)-len(rest)])}
	head.Object["data"] = map[string]any{
		keyHMAC:  hex.EncodeToString(c.sign(t, content)),
		keyParts: strings.Join(inv.parts, ","),
	}
	request, cancel := bounded(ctx)
	defer cancel()
	var written *unstructured.Unstructured
	if inv.Version == "" {
		written, err = maps.Create(request, head, metav1.CreateOptions{FieldManager: plan.Manager})
	} else {
		head.SetResourceVersion(inv.Version)
		patch, encodeErr := json.Marshal(head.Object)
		if encodeErr != nil {
			return inv, encodeErr
		}
		written, err = maps.Patch(request, head.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: plan.Manager})
	}
	if err != nil {
		return inv, err
	}
	inv.Version = written.GetResourceVersion()
	return inv, c.dropParts(ctx, api, t, before, inv.parts)
}

// dropParts deletes the ConfigMaps that are no longer part of the inventory.
func (c *Cluster) dropParts(ctx context.Context, api client, t plan.Target, before, now []string) error {
	var errs []error
	for _, name := range before {
		if slices.Contains(now, name) {
			continue
		}
		request, cancel := bounded(ctx)
		err := api.objects(configMaps, t.Namespace).Delete(request, name, metav1.DeleteOptions{})
		cancel()
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete ConfigMap/%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) inventoryMap(t plan.Target, name string) *unstructured.Unstructured {
	u := manifest("v1", "ConfigMap", t.Namespace, name)
	u.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy, render.LabelApp: t.App, labelInventory: "true"})
	return u
}

// sign keeps an inventory from being changed, or moved to another application.
func (c *Cluster) sign(t plan.Target, content []byte) []byte {
	mac := hmac.New(sha256.New, c.o.Key)
	fmt.Fprintf(mac, "inventory\x00%s\x00%s\x00", t.Namespace, t.App)
	mac.Write(content)
	return mac.Sum(nil)
}

func pack(inv plan.Inventory) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if err := json.NewEncoder(w).Encode(inv); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func unpack(content []byte) (inv plan.Inventory, err error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return inv, fmt.Errorf("unpack: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(r, maxInventory)).Decode(&inv); err != nil {
		return plan.Inventory{}, fmt.Errorf("decode: %w", err)
	}
	return inv, nil
}

func part(u *unstructured.Unstructured) ([]byte, error) {
	encoded, _, _ := unstructured.NestedString(u.Object, "binaryData", keyContent)
	return base64.StdEncoding.DecodeString(encoded)
}

func text(u *unstructured.Unstructured, key string) string {
	s, _, _ := unstructured.NestedString(u.Object, "data", key)
	return s
}

// Remove deletes the inventory of an application that has no objects left, and
// forgets the application.
func (c *Cluster) Remove(ctx context.Context, t plan.Target) error {
	api, err := c.api.For(t)
	if err != nil {
		return err
	}
	inv, err := c.readInventory(ctx, api, t)
	if err != nil {
		return err
	}
	if len(inv.Entries) > 0 {
		return fmt.Errorf("remove the inventory of %s: it still has %d objects, the first %s", t.App, len(inv.Entries), inv.Entries[0].ID)
	}
	// By label, for parts that a crash left behind.
	list, err := api.meta(configMaps, t.Namespace).List(ctx, metav1.ListOptions{LabelSelector: render.LabelApp + "=" + t.App + "," + labelInventory})
	if err != nil {
		return fmt.Errorf("list the inventory of %s: %w", t.App, err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	if err := c.dropParts(ctx, api, t, names, nil); err != nil {
		return err
	}
	c.unready(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.apps[t.App]; a != nil {
		for _, o := range slices.Clone(a.objects) {
			c.forget(a, o.id)
		}
		delete(c.apps, t.App)
	}
	return nil
}
