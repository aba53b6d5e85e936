package manifest

import (
	"rondo.dev/rondo/sources"
)

// Mount is what a service mounts (spec 2.16).
type Mount struct {
	Volumes []Volume // in file order; names and paths are unique
	Logs    *Logs    // nil: no log_folder
}

// Volume is something that the container of a service sees as a folder or file.
// Exactly one of Source, Claim, Files and Shared is set.
type Volume struct {
	Pos         sources.Position
	Name        string // in the Pod
	Path        string // in the container
	ReadOnly    bool
	SubPath     string // of the volume; empty: the whole
	SubPathExpr string // the same, with $(NAME)
	Propagation string // empty: None

	Source map[string]any // of Kubernetes, in its own words
	Claim  *Claim
	Files  *Files
	Shared string // name of a PersistentVolumeClaim of the application that many Pods mount
}

// Claim is a PersistentVolumeClaim of a service's own. A StatefulSet has one for
// each Pod.
type Claim struct {
	Size   string // quantity
	Class  string // StorageClass; empty: the cluster's default
	Modes  []string
	Retain bool // kept when the manifest no longer has it
}

// Exclusive reports whether only the Pods of one node can mount the volume.
func (c Claim) Exclusive() bool {
	for _, mode := range c.Modes {
		if mode == modeSharedWrite || mode == modeSharedRead {
			return false
		}
	}
	return true
}

// Files are variables or entries of the config store, one file for each, named
// like it.
type Files struct {
	// Secret: text goes to a Secret of the service's own, else to a ConfigMap.
	Secret    bool
	Variables []string     // of the application, sorted
	Store     []SecretKeys // those of the application last, which wins
}

// SecretKeys are keys of a Secret in the application's namespace.
type SecretKeys struct {
	Secret   string
	Keys     []string // nil: all that it has, if it is there
	Optional bool
}

// Logs is the folder in a container that has log files.
type Logs struct {
	Path string
	Host string // folder on the node where they are kept; empty: they go with the Pod
}

// Storage is what an application says about isolation, its config store and
// secret files (spec 2.16, 2.18).
type Storage struct {
	// ShareWith are the applications that may read this one's variables: names, or
	// names with an environment.
	ShareWith []string
	Isolation Isolation
	// SecretFiles are Secrets of which each container sees the keys as files, those
	// of the application last, which wins; nil: none.
	SecretFiles []string
}

// Modes of isolation (spec 2.18).
const (
	ModeOpen    = "open"    // everybody in the cluster
	ModeManaged = "managed" // the same namespace, the edge, and what rondo manages
	ModeStrict  = "strict"  // the same namespace and the edge
)

// Isolation says who may reach the services of an application.
type Isolation struct {
	Mode      string
	AllowFrom []App
	// Harden takes from containers the rights that they do not ask for.
	Harden bool
}

// App is another application, and the namespace that it is in.
type App struct{ Name, Namespace string }
