package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// write replaces dir by an OCI image layout with the version as its reference.
func (i *image) write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	out, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	err = out.AppendIndex(i.index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": i.version}))
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	return nil
}

// archive writes the image of one processor for "docker load": that of prefer,
// if it was built, else the first.
func (i *image) archive(path, prefer string) (arch string, err error) {
	arch = prefer
	if i.byArch[arch] == nil {
		arch = slices.Min(slices.Collect(maps.Keys(i.byArch)))
	}
	tag, err := name.NewTag("rondo:" + i.version)
	if err != nil {
		return "", err
	}
	if err := tarball.WriteToFile(path, tag, i.byArch[arch]); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return arch, nil
}

// push sends the image to a registry.
func (i *image) push(ctx context.Context, out io.Writer, to string) error {
	ref, err := name.ParseReference(to)
	if err != nil {
		return err
	}
	err = remote.WriteIndex(ref, i.index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	digest, err := i.index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "pushed %s@%s\n", ref, digest)
	return nil
}

// describe prints digests and sizes.
func (i *image) describe(out io.Writer) error {
	for _, arch := range slices.Sorted(maps.Keys(i.byArch)) {
		digest, err := i.byArch[arch].Digest()
		if err != nil {
			return err
		}
		manifest, err := i.byArch[arch].Manifest()
		if err != nil {
			return err
		}
		var size int64
		for _, l := range manifest.Layers {
			size += l.Size
		}
		fmt.Fprintf(out, "linux/%s %s %.1f MB compressed\n", arch, digest, float64(size)/1e6)
	}
	digest, err := i.index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "index %s, version %s\n", digest, i.version)
	return nil
}
