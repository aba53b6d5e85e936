package kubetest

import (
	"strings"
	"testing"
)

func TestStopTellsOfAProgramThatEndedByItself(t *testing.T) {
	p, err := startProcess(t.TempDir(), "brief", "/bin/sh", []string{"LAST=good bye"}, "-c", "echo $LAST; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "brief ended (exit status 3)") || !strings.Contains(err.Error(), "good bye") {
		t.Errorf("error is %v, want the exit code and the last words", err)
	}
}

func TestStopEndsAProgram(t *testing.T) {
	p, err := startProcess(t.TempDir(), "patient", "/bin/sh", nil, "-c", "exec cat /dev/zero >/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := gone([]int{p.Pid()}); err != nil {
		t.Error(err)
	}
}
