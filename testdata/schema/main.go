// Command schema writes render/validate/schema.txt: what the API servers of some
// versions of Kubernetes know of their objects, in the smallest form that
// render/validate needs.
//
//	go run ./testdata/schema [-o FILE] [VERSION...]
//
// Each VERSION is one of the module k8s.io/kubernetes ("v1.36.3"), which is
// fetched through Go's module cache. Two files of it are read: the published
// OpenAPI document, and the generated Go code it was made from, because only
// that one lists the values of enumerations. The format of what comes out is
// told in render/validate/schema.go, which reads it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// known are the versions written when none is named: one of each minor.
var known = []string{"v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2"}

func main() {
	log.SetFlags(0)
	file := flag.String("o", filepath.Join("render", "validate", "schema.txt"), "where to write it")
	flag.Parse()
	versions := flag.Args()
	if len(versions) == 0 {
		versions = known
	}
	m := newMerge(len(versions))
	head := "versions"
	for i, version := range versions {
		dir, err := fetch(version)
		if err != nil {
			log.Fatalf("fetch %s: %v", version, err)
		}
		s, err := read(dir)
		if err != nil {
			log.Fatalf("read %s: %v", version, err)
		}
		m.add(i, s)
		head += " " + strings.Join(strings.Split(strings.TrimPrefix(version, "v"), ".")[:2], ".")
	}
	text := head + "\n" + m.text()
	if err := os.WriteFile(*file, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d kinds, %d types, %d KiB", len(m.kinds), len(m.types), len(text)>>10)
}

// fetch gives the folder of a version of Kubernetes in the module cache.
func fetch(version string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+version)
	cmd.Dir = os.TempDir() // outside of this module, whose go.mod names other versions
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	err = json.Unmarshal(out, &module)
	return module.Dir, err
}

// merge puts the schemas of several versions into one text, in which what all
// versions share stands once.
type merge struct {
	count int
	kinds map[string]uint            // line without its mask, to versions
	types map[string]map[string]uint // type, line without its mask, to versions
}

func newMerge(count int) *merge {
	return &merge{count: count, kinds: map[string]uint{}, types: map[string]map[string]uint{}}
}

func (m *merge) add(version int, s *schema) {
	for _, k := range s.kinds {
		m.kinds[k] |= 1 << version
	}
	for name, lines := range s.types {
		if m.types[name] == nil {
			m.types[name] = map[string]uint{}
		}
		for _, line := range lines {
			m.types[name][line] |= 1 << version
		}
	}
}

// text numbers the types in the order of their names.
func (m *merge) text() string {
	var names []string
	for name := range m.types {
		names = append(names, name)
	}
	slices.Sort(names)
	numbers := make([]string, 0, 2*len(names))
	for i, name := range names {
		numbers = append(numbers, "#"+name+"#", fmt.Sprintf("#%d", i))
	}
	var out strings.Builder
	m.lines(&out, "", m.kinds)
	for _, name := range names {
		out.WriteString("type " + name + "\n")
		m.lines(&out, " ", m.types[name])
	}
	return strings.NewReplacer(numbers...).Replace(out.String())
}

func (m *merge) lines(out *strings.Builder, indent string, lines map[string]uint) {
	var sorted []string
	for line := range lines {
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	all := uint(1)<<m.count - 1
	for _, line := range sorted {
		out.WriteString(indent + line)
		if mask := lines[line]; mask != all {
			fmt.Fprintf(out, " v%d", mask)
		}
		out.WriteByte('\n')
	}
}
