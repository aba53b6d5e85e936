package git_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
)

// fsck lets git itself judge a mirror.
func fsck(t testing.TB, dir string) {
	t.Helper()
	for _, args := range [][]string{{"fsck", "--full", "--strict"}, {"count-objects", "-v"}} {
		cmd := exec.CommandContext(context.Background(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("git %v of a mirror: %v\n%s", args, err, out)
		}
	}
}
