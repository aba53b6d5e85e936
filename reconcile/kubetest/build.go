package kubetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// Tool is one program that is built from a nested module of this repository and kept in the cache.
type Tool struct {
	Module  string   // folder of the nested module: absolute, or relative to the root of rondo's own
	Package string   // import path of the main package
	Name    string   // file name of the binary
	LDFlags string   // for go build -ldflags
	Tags    []string // build tags
	CGO     bool     // build with cgo; the zero value builds a static program
	Takes   string   // what to tell who waits: "about 4 min on 2 cores"; may be empty
}

// Binaries are the paths of what a control plane is made of.
type Binaries struct {
	Etcd, APIServer, ControllerManager, Scheduler, Kwok string

	Stages string // one YAML file: what kwok plays with nodes, pods and volumes, and its StorageClass
}

const (
	controlPlaneModule = "testdata/controlplane"
	kwokModule         = "testdata/controlplane/kwok"
)

// Build returns the control plane's programs and compiles those that are not in the cache. Progress goes to out, which
// may be nil. Several processes may call it at once: one builds, the others say so and wait.
func Build(ctx context.Context, out io.Writer) (Binaries, error) {
	tools, err := controlPlaneTools()
	if err != nil {
		return Binaries{}, err
	}
	paths := make([]string, len(tools))
	for i, tool := range tools {
		if paths[i], err = BuildTool(ctx, out, tool); err != nil {
			return Binaries{}, err
		}
	}
	stages, err := keepStages(ctx, out, tools[len(tools)-1])
	if err != nil {
		return Binaries{}, err
	}
	return Binaries{paths[0], paths[1], paths[2], paths[3], paths[4], stages}, nil
}

// controlPlaneTools lists the programs in the order of Binaries. The version that the servers report is read from
// the nested go.mod, so that it stands in one place.
func controlPlaneTools() ([]Tool, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	gomod, err := os.ReadFile(filepath.Join(root, controlPlaneModule, "go.mod"))
	if err != nil {
		return nil, err
	}
	version := regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v\S+)`).FindSubmatch(gomod)
	if version == nil {
		return nil, fmt.Errorf("%s/go.mod does not require k8s.io/kubernetes", controlPlaneModule)
	}
	// Without the version kubectl and client-go cannot parse what the server says of itself.
	ldflags := "-s -w -X k8s.io/component-base/version.gitVersion=" + string(version[1])
	kubernetes := func(name, takes string) Tool {
		return Tool{Module: controlPlaneModule, Package: "k8s.io/kubernetes/cmd/" + name, Name: name, LDFlags: ldflags, Takes: takes}
	}
	etcd := kubernetes("etcd", "about 1 min on 2 cores") // with the same flags it lands in the same folder
	etcd.Package = "go.etcd.io/etcd/server/v3"
	return []Tool{
		etcd,
		kubernetes("kube-apiserver", "about 5 min on 2 cores"),
		kubernetes("kube-controller-manager", "about 1 min on 2 cores"),
		kubernetes("kube-scheduler", "a few seconds"),
		{Module: kwokModule, Package: "sigs.k8s.io/kwok/cmd/kwok", Name: "kwok", LDFlags: "-s -w", Takes: "about 1 min on 2 cores"},
	}, nil
}

// BuildTool returns the path of tool's binary and compiles it if the cache has none for this content of its module, these
// flags and this Go version. The cache is RONDO_CACHE, else "rondo" in the user's cache folder. Only a finished
// binary ever has the final name.
func BuildTool(ctx context.Context, out io.Writer, tool Tool) (path string, err error) {
	module, dir, err := tool.place()
	if err != nil {
		return "", fmt.Errorf("place %s: %w", tool.Name, err)
	}
	path = filepath.Join(dir, tool.Name)
	if isFile(path) {
		return path, nil
	}
	if out == nil {
		out = io.Discard
	}
	unlock, err := lockFolder(ctx, out, dir, "building "+tool.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFile(path) { // built by the process that held the lock
		return path, nil
	}

	_, version, err := tool.Source(ctx)
	if err != nil {
		return "", err
	}
	hint := "once"
	if tool.Takes != "" {
		hint += ", " + tool.Takes
	}
	what := strings.TrimSpace(tool.Name + " " + version)
	fmt.Fprintf(out, "building %s (%s) …\n", what, hint)

	began := time.Now()
	partial := filepath.Join(dir, "."+tool.Name+".partial")
	defer os.Remove(partial)
	cgo := "CGO_ENABLED=0"
	if tool.CGO {
		cgo = "CGO_ENABLED=1"
	}
	if _, err := goIn(ctx, module, cgo, "build", "-trimpath", "-buildvcs=false",
		"-ldflags", tool.LDFlags, "-tags", strings.Join(tool.Tags, ","), "-o", partial, tool.Package); err != nil {
		return "", fmt.Errorf("build %s: %w", what, err)
	}
	if err := os.Rename(partial, path); err != nil {
		return "", err
	}
	fmt.Fprintf(out, "building %s took %s\n", what, time.Since(began).Round(time.Second))
	return path, nil
}

// Source returns the folder of the module that the program's package is in, for what lies beside its code, and its
// version, which is empty for the nested module itself.
func (tool Tool) Source(ctx context.Context) (dir, version string, err error) {
	module, _, err := tool.place()
	if err != nil {
		return "", "", fmt.Errorf("place %s: %w", tool.Name, err)
	}
	found, err := goIn(ctx, module, "list", "-f", "{{with .Module}}{{.Dir}}\n{{.Version}}{{end}}", tool.Package)
	if err != nil {
		return "", "", fmt.Errorf("find %s: %w", tool.Package, err)
	}
	dir, version, _ = strings.Cut(found, "\n")
	return dir, version, nil
}

// place returns the absolute folder of the tool's module and the cache folder of its binary.
func (tool Tool) place() (module, dir string, err error) {
	module = tool.Module
	if !filepath.IsAbs(module) {
		root, err := moduleRoot()
		if err != nil {
			return "", "", err
		}
		module = filepath.Join(root, module)
	}
	base := os.Getenv("RONDO_CACHE")
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", "", fmt.Errorf("%w; set RONDO_CACHE to a folder", err)
		}
		base = filepath.Join(user, "rondo")
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, tool.LDFlags, tool.Tags, tool.CGO)
	if err := hashModule(sum, module); err != nil {
		return "", "", err
	}
	return module, filepath.Join(base, fmt.Sprintf("%s-%x", filepath.Base(module), sum.Sum(nil)[:8])), nil
}

// hashModule writes what decides a build into sum: go.mod, go.sum and the Go files of the module, without those of modules
// nested in it.
func hashModule(sum io.Writer, module string) error {
	return filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != module && isFile(filepath.Join(path, "go.mod")) {
				return fs.SkipDir
			}
			return nil
		}
		name := entry.Name()
		if name != "go.mod" && name != "go.sum" && filepath.Ext(name) != ".go" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", strings.TrimPrefix(path, module), len(content))
		_, err = sum.Write(content)
		return err
	})
}

// goIn runs the go command in a module's folder and returns its trimmed output. Leading arguments of the form KEY=value
// join its environment.
func goIn(ctx context.Context, module string, args ...string) (string, error) {
	// The flags of the caller's own build (-race, -mod, -tags) are none of the tool's business.
	env := append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	cmd.Env = env
	stdout, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("go %s: %w:\n%s", args[0], err, lastLines(exit.Stderr, 20))
	}
	return strings.TrimSpace(string(stdout)), err
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
