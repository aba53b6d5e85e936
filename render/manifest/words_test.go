package manifest

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
)

// lines are commands as people write them, and at the edges of the grammar.
var lines = []string{
	"run", "run a b", "  run\ta  ", `run 'a b' "c d"`, `run a\ b`, `run '' ""`, `run a"b c"d'e f'`, `run "a\"b\$c\d\\"`, `run $`,
	`run \$HOME`, `run '$HOME'`, `run a=b --c="d e"`, `run x~ a~b`, `run a{b}`, `run a#b`, "run a\\\nb", `run \'`, `run "it's"`, `run %s %d`,
	`"/usr/bin/my prog" -x`, `run é ü`, `run 100%`, `run a!b`, `run -e 'puts "hi"'`, `run a:b c,d e@f g+h`, `run "a
b"`, `run '\n'`, `run "\n"`, `run --url=http://x:80/y^z`,
}

func TestWordsAreThoseOfTheShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh to compare with")
	}
	for _, line := range lines {
		words, shell, why := splitWords(line, func(string) bool { return false })
		if shell || why != "" {
			t.Errorf("%q: shell %v, fault %q; want plain words", line, shell, why)
			continue
		}
		var out bytes.Buffer
		cmd := exec.Command(sh, "-c", `set -f; for w in `+line+`; do printf '%s\0' "$w"; done`)
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			t.Errorf("%q: sh: %v", line, err)
			continue
		}
		want := strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00")
		if !slices.Equal(words, want) {
			t.Errorf("%q\n got %q\n  sh %q", line, words, want)
		}
	}
}

func TestWhatOnlyAShellCanDoIsSeen(t *testing.T) {
	for _, line := range []string{"a;b", "a&b", "a|b", "a<b", "a>b", "(a)", "`a`", "a $(b)", "a $b", "a ${b}", "a $1", "a $?", "a $$", "a *", "a ?",
		"a [b]", "~/a", "a ~", "a #b", `a "$b"`, "a \"`b`\"", "a\nb", "! a", "{ a"} {
		if _, shell, why := splitWords(line, func(string) bool { return false }); !shell || why != "" {
			t.Errorf("%q: shell %v, fault %q; want a shell", line, shell, why)
		}
	}
	for _, line := range []string{`a 'b`, `a "b`, `a b\`} {
		if _, _, why := splitWords(line, func(string) bool { return false }); why == "" {
			t.Errorf("%q has no fault", line)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, line := range lines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, why := commandWords(line, func(name string) bool { return name == "A" })
		if (why == "") != (len(words) > 0) {
			t.Errorf("%q: words %q and fault %q", line, words, why)
		}
	})
}

func TestQuantitiesAreWrittenAsKubernetesWritesThem(t *testing.T) {
	for _, s := range []string{"4M", "128M", "1000M", "1500M", "0.5G", "1.5Gi", "1536Mi", "1024Ki", "4096Ki", "128974848", "1G", "3.3M", "2T", "1Ti"} {
		got, ok := memoryQuantity(s)
		want := resource.MustParse(s)
		if !ok || got.text != want.String() || got.amount != want.Value() {
			t.Errorf("memory %s: got %+v, want %s of %d bytes", s, got, want.String(), want.Value())
		}
	}
	for _, s := range []string{"1", "2", "0.5", "1.5", "250m", "1000m", "1500m", "0.1", "64", "0.001"} {
		got, ok := cpuQuantity(s)
		want := resource.MustParse(s)
		if !ok || got.text != want.String() || got.amount != want.MilliValue() {
			t.Errorf("cpu %s: got %+v, want %s", s, got, want.String())
		}
	}
	// Kubernetes knows no upper-case K and reads these as thousandths.
	for s, want := range map[string]string{"4000K": "4M", "4001K": "4001k", "100m": "100M", "512m": "512M", "2g": "2G", "5000000b": "5M"} {
		if got, ok := memoryQuantity(s); !ok || got.text != want {
			t.Errorf("memory %s: got %+v, want %s", s, got, want)
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "1..2", "-1", "+1", "1e3", "1 M", "0x10", "1MB", "1/2M", "M", strings.Repeat("9", 30)} {
		if got, ok := memoryQuantity(s); ok && s != "1 M" {
			t.Errorf("memory %q is taken as %+v", s, got)
		}
	}
}
