package sops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"rondo.dev/rondo/render"
)

const (
	// Program is the name of the program that decrypts.
	Program = "rondo-sops"

	timeout   = 20 * time.Second
	maxAnswer = 8 << 20
	maxKeys   = 64 << 10
)

// Opener opens encrypted files with the age keys of a file. Its zero value has no
// key.
type Opener struct {
	Program string // path; empty: beside this program, else in PATH
	KeyFile string // age identities, a line each; read for each file, so that it may change
}

// request and answer are those of rondo-sops.
type request struct {
	Format     string `json:"format"`
	Data       []byte `json:"data"`
	Identities string `json:"identities"`
}

type answer struct {
	Values map[string]string `json:"values"`
	Fault  string            `json:"fault"`
}

// Open is a [render.Decrypt]. No error holds anything of the file or the key.
func (o Opener) Open(ctx context.Context, format string, data []byte) (map[string]string, error) {
	keys, err := o.keys()
	if err != nil {
		return nil, err
	}
	program, err := o.program()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(request{format, data, keys})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s took longer than %s", Program, timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{} // nil would be our own
	cmd.Stdin = bytes.NewReader(in)
	out := &limited{left: maxAnswer}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("run %s: %w", Program, err)
	}
	var got answer
	err = json.Unmarshal(out.Bytes(), &got)
	switch {
	case err == nil && got.Fault != "":
		return nil, &render.Sealed{Reason: got.Fault}
	case err != nil || got.Values == nil: // err would quote the answer
		return nil, errors.New(Program + " gave no answer")
	}
	return got.Values, nil
}

func (o Opener) keys() (string, error) {
	f, err := os.Open(o.KeyFile)
	if err != nil {
		return "", fmt.Errorf("read the age key: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeys))
	if err != nil {
		return "", fmt.Errorf("read the age key: %w", err)
	}
	return string(b), nil
}

// program finds rondo-sops.
func (o Opener) program() (string, error) {
	if o.Program != "" {
		return o.Program, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), Program)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	found, err := exec.LookPath(Program)
	if err != nil {
		return "", fmt.Errorf("%s, which decrypts secrets.files, is neither beside rondo nor in PATH", Program)
	}
	return found, nil
}

// limited keeps the first bytes that are written to it, and refuses more.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errors.New("the answer is too large")
	}
	l.left -= len(p)
	return l.Buffer.Write(p)
}
