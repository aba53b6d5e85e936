package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// certificates is where Debian keeps them, and the first place where Go looks.
	certificates = "/etc/ssl/certs/ca-certificates.crt"
	// user is "nobody" in most images without a distribution.
	user = 65532
)

// options say what goes into the image.
type options struct {
	Package      string   // main package, relative to the root of the module
	Beside       []string // further programs: folders of modules of their own, relative to the same
	Dir          string   // of the module; empty: here
	Version      string   // for main.version, and the tag
	Archs        []string // by Go's names
	Created      time.Time
	Certificates []byte // PEM
}

// image is one image for several processors.
type image struct {
	version string
	index   v1.ImageIndex
	byArch  map[string]v1.Image
}

func build(ctx context.Context, o options) (*image, error) {
	out := &image{version: o.Version, byArch: map[string]v1.Image{}}
	out.index = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	base, err := layer(o.Created, []file{
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: certificates[1:], mode: 0o644, content: o.Certificates},
		{name: "tmp/", mode: 0o1777},
		{name: "var/lib/rondo/", mode: 0o700, owner: user},
	})
	if err != nil {
		return nil, err
	}
	for _, arch := range o.Archs {
		binary, err := compile(ctx, o, o.Dir, o.Package, arch)
		if err != nil {
			return nil, err
		}
		programs := []file{{name: "rondo", mode: 0o755, content: binary}}
		for _, module := range o.Beside {
			if binary, err = compile(ctx, o, filepath.Join(o.Dir, module), ".", arch); err != nil {
				return nil, err
			}
			programs = append(programs, file{name: filepath.Base(module), mode: 0o755, content: binary})
		}
		program, err := layer(o.Created, programs)
		if err != nil {
			return nil, err
		}
		img, err := assemble(o, arch, base, program)
		if err != nil {
			return nil, fmt.Errorf("assemble the image for %s: %w", arch, err)
		}
		out.byArch[arch] = img
		out.index = mutate.AppendManifests(out.index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return out, nil
}

// compile gives a static binary of pkg, in dir, for arch.
func compile(ctx context.Context, o options, dir, pkg, arch string) ([]byte, error) {
	temp, err := os.MkdirTemp("", "rondo-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	path := filepath.Join(temp, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.version="+o.Version, "-o", path, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s for %s: %w:\n%s", filepath.Join(dir, pkg), arch, err, out)
	}
	return os.ReadFile(path)
}

// file is one entry of a layer; a folder where the name ends in a slash.
type file struct {
	name    string
	mode    int64
	owner   int // user and group
	content []byte
}

// layer packs files; the same files and time give the same bytes.
func layer(at time.Time, files []file) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, f := range files {
		header := &tar.Header{
			Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)), ModTime: at,
			Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if f.name[len(f.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

func assemble(o options, arch string, layers ...v1.Layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, layers...)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	config.Created = v1.Time{Time: o.Created}
	config.Config = v1.Config{
		User:         strconv.Itoa(user) + ":" + strconv.Itoa(user),
		Entrypoint:   []string{"/rondo"},
		Cmd:          []string{"serve", "--config", "/etc/rondo/rondo.yaml"},
		WorkingDir:   "/",
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "8081/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "rondo",
			"org.opencontainers.image.description": "Makes a Kubernetes cluster follow git",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     o.Version,
			"org.opencontainers.image.created":     o.Created.Format(time.RFC3339),
		},
	}
	return mutate.ConfigFile(img, config)
}
