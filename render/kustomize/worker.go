package kustomize

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// workerName is argv[0] of a worker.
const workerName = "rondo-render-worker"

// answers is the file descriptor of the pipe that a worker answers on; standard
// output is not used, because libraries print to it.
const answers = 3

// request asks a worker for one build.
type request struct {
	Files map[string][]byte // by their path in the repository
	Dir   string            // folder of the kustomization
}

// response is what came of it: objects, or the words of kustomize.
type response struct {
	Objects []json.RawMessage
	Error   string
}

// Worker does the work of a render worker and ends the process, when it was
// started as one; else it returns at once. A program whose Builder has [Workers]
// calls it first thing in main, before anything is set up.
func Worker() {
	if len(os.Args) == 0 || os.Args[0] != workerName {
		return
	}
	if err := serve(os.Stdin, os.NewFile(answers, "answers")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve builds until the parent closes in.
func serve(in io.Reader, out io.Writer) error {
	if err := limitMemory(); err != nil {
		return err
	}
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(softMemory)
	for {
		var q request
		if err := receive(in, &q, maxRequest); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := limitCPU(); err != nil {
			return err
		}
		if err := send(out, run(q)); err != nil {
			return err
		}
	}
}

// run is one build, in memory: the file system ends at the repository's root
// and holds nothing but what was checked.
func run(q request) (r response) {
	defer func() {
		if recover() != nil {
			r = response{Error: "panic"}
		}
	}()
	files := filesys.MakeFsInMemory()
	for name, content := range q.Files {
		if err := files.WriteFile(path.Join("/", name), content); err != nil {
			return response{Error: err.Error()}
		}
	}
	built, err := krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionNone,
		LoadRestrictions: types.LoadRestrictionsNone, // the file system is the restriction
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(files, path.Join("/", q.Dir))
	if err != nil {
		return response{Error: err.Error()}
	}
	for _, object := range built.Resources() {
		raw, err := object.MarshalJSON()
		if err != nil {
			return response{Error: err.Error()}
		}
		r.Objects = append(r.Objects, raw)
	}
	return r
}

// Largest frames, in bytes.
const (
	maxRequest  = 4 * maxBytes
	maxResponse = 8 * maxBytes
)

// send writes one frame: four bytes of length, most significant first, and JSON.
func send(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

// receive reads one frame of at most this many bytes; io.EOF when there is none.
func receive(r io.Reader, v any, most uint32) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > most {
		return fmt.Errorf("a frame of %d bytes is larger than %d", n, most)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return fmt.Errorf("read a frame: %w", err)
	}
	return json.Unmarshal(body, v)
}
