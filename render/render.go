package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"rondo.dev/rondo/sources"
)

// Render makes the Bundle of in. Faults in the user's files come back as
// *[Invalid] and no Bundle; any other error means that nothing can be said
// about the files.
//
// A panic of rendering is an error: one application's files must not end the
// daemon that serves all the others.
//
// It owns what no Builder and no user may decide: the namespace of every
// object, the labels that say whose it is, and the order.
func Render(ctx context.Context, in Input, b Builder) (out Bundle, err error) {
	defer func() {
		if recover() != nil { // its value may hold what the files say
			out, err = Bundle{}, fmt.Errorf("%w: it broke off at %s", ErrFault, brokeOff())
		}
	}()
	draft, err := b.Build(ctx, in)
	if err != nil {
		return Bundle{}, err
	}
	objects, problems := draft.Objects, draft.Problems
	seen := make(map[ID]sources.Position, len(objects))
	for i := range objects {
		if p := finish(&objects[i], in); p != nil {
			problems = append(problems, *p)
			continue
		}
		id := objects[i].ID
		if first, dup := seen[id]; dup {
			problems = append(problems, Problem{
				Pos: objects[i].Origin, Code: "E-NAME-COLLISION",
				What: fmt.Sprintf("%s is also made at %s", id, first),
				Fix:  "rename one of the two",
			})
		}
		seen[id] = objects[i].Origin
	}
	SortProblems(problems)
	Mark(draft.Keys, problems)
	if errs, _, _ := CountProblems(problems); errs > 0 {
		return Bundle{}, &Invalid{Problems: problems, Keys: draft.Keys, Reads: draft.Reads}
	}
	sort.SliceStable(objects, func(i, j int) bool {
		a, b := &objects[i], &objects[j]
		switch {
		case a.Stage != b.Stage:
			return a.Stage < b.Stage
		case a.Wave != b.Wave:
			return a.Wave < b.Wave
		default:
			return a.ID.Less(b.ID)
		}
	})
	return Bundle{
		Objects: objects, Problems: problems, Keys: draft.Keys, Check: draft.Check,
		Shared: draft.Shared, Reads: draft.Reads, Once: draft.Once, Marks: draft.Marks,
	}, nil
}

// ErrFault is an error of rondo itself, whatever the files are.
var ErrFault = errors.New("rondo cannot render this by a fault of its own; please report it")

// brokeOff is the place in rondo's code of the panic that is being recovered.
func brokeOff() string {
	var calls [64]uintptr
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "rondo.dev/") {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// finish gives o its place: namespace, ownership labels, identity, stage.
func finish(o *Object, in Input) *Problem {
	kind, _ := o.Body["kind"].(string)
	apiVersion, _ := o.Body["apiVersion"].(string)
	meta, _ := o.Body["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	if kind == "" || apiVersion == "" || name == "" {
		return &Problem{Pos: o.Origin, Code: "E-TYPE", What: "an object lacks apiVersion, kind or metadata.name", Fix: "add them"}
	}
	if ns, _ := meta["namespace"].(string); ns != "" && ns != in.Namespace {
		return &Problem{Pos: o.Origin, Code: "E-META-RESERVED",
			What: fmt.Sprintf("%s/%s names the namespace %q", kind, name, ns),
			Fix:  "leave the namespace out; rondo.yaml decides it"}
	}
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group, version = "", apiVersion
	}
	if clusterScoped(group, kind) {
		return &Problem{Pos: o.Origin, Code: "E-SCOPE-CLUSTER",
			What: fmt.Sprintf("%s/%s belongs to the whole cluster, an application to its namespace", kind, name), Fix: scopeFix(kind)}
	}
	labels, _ := meta["labels"].(map[string]any)
	if labels == nil {
		labels = map[string]any{}
	}
	for key := range labels {
		// Ownership and Pod Security are the platform's to set (threats T23).
		if strings.HasPrefix(key, Domain+"/") && key != LabelApp && key != LabelEnvironment ||
			strings.HasPrefix(key, "pod-security.kubernetes.io/") {
			return &Problem{Pos: o.Origin, Code: "E-META-RESERVED",
				What: fmt.Sprintf("%s/%s sets the label %q", kind, name, key), Fix: "remove it; the platform sets it"}
		}
	}
	labels[LabelApp] = in.App
	labels[LabelEnvironment] = in.Environment
	labels[LabelManagedBy] = ManagedBy
	if engine, _, grouped := strings.Cut(o.Group, "."); grouped {
		labels[LabelComponent] = engine
	}
	meta["labels"] = labels
	meta["namespace"] = in.Namespace
	o.ID = ID{Group: group, Kind: kind, Namespace: in.Namespace, Name: name}
	o.Version = version
	if o.Stage == StageCluster {
		o.Stage = StageOf(group, kind)
	}
	return nil
}

// errorKind is what a Snapshot's error says about the file, without where a link
// leads or whether its target exists (threats T3); empty when it says nothing
// about the file, but that it could not be read now.
func errorKind(err error) string {
	for _, known := range []error{sources.ErrLink, sources.ErrModule, sources.ErrTooBig, sources.ErrUnusual, fs.ErrNotExist} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}
