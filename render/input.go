package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"rondo.dev/rondo/sources"
)

// Domain is the label and annotation domain of rondo; the "$P" of the
// manifest reference.
const Domain = "rondo.dev"

// Labels that every object bears. LabelApp selects what rondo watches; its
// value is the application's name, the key of queue, inventory and ledger.
const (
	LabelApp         = Domain + "/app"
	LabelEnvironment = Domain + "/environment"
	// LabelComponent is the engine of what bears data: "postgresql". It is on the
	// objects and Pods of a data component, and follows from [Object].Group.
	LabelComponent = Domain + "/component"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "rondo"
	// LabelOrphanedAt stands on data that left git and was kept (spec 3.7): when, in UTC.
	LabelOrphanedAt = Domain + "/orphaned-at"
)

// Annotations that users may set on an object.
const (
	AnnotationPrune     = Domain + "/prune"     // "disabled": never pruned
	AnnotationReconcile = Domain + "/reconcile" // "paused", on the inventory: nothing is changed
	// "true", on a CronJob: a deployment that changes something suspends it until its end
	AnnotationPauseDuringDeploy = Domain + "/pause-during-deploy"
)

// AnnotationLogPaths tells a collector of logs which files of a workload to
// read: globs, separated by commas.
const AnnotationLogPaths = Domain + "/log-paths"

// Facts is whatever rendering needs besides the files: all of it, printable,
// and part of the input digest. The zero value renders for any recent cluster.
type Facts struct {
	ClusterVersion string            `json:"cluster_version,omitempty"` // "1.36"; empty: newest known
	IngressClass   string            `json:"ingress_class,omitempty"`   // empty: the cluster's default class
	NodePorts      bool              `json:"node_ports,omitempty"`      // no load balancers: tcp and udp numbers 30000-32767 become node ports
	Variables      map[string]string `json:"variables,omitempty"`       // application variables set through the API
	Policy         Policy            `json:"policy"`
	// StorageClasses gives the StorageClass of a root_disk_type ("ssd",
	// "magnetic"); a type without an entry takes the cluster's default class.
	StorageClasses map[string]string `json:"storage_classes,omitempty"`
	SharedClass    string            `json:"shared_class,omitempty"` // StorageClass of ReadWriteMany volumes; empty: there is none
	// EdgeNamespace is where what serves web traffic from outside runs; empty:
	// anywhere, so that exposed web ports are open to every namespace.
	EdgeNamespace string `json:"edge_namespace,omitempty"`
	OpenNetwork   bool   `json:"open_network,omitempty"` // the cluster's network enforces no NetworkPolicies
	// Images is the catalogue of data components: engine ("postgresql",
	// "postgis"), then version as written in manifests ("17"), then image.
	Images map[string]map[string]string `json:"images,omitempty"`
	// ObjectStore keeps copies of databases; nil: there is none.
	ObjectStore *ObjectStore `json:"object_store,omitempty"`
	// Nodes are the names of the cluster's nodes, sorted. They matter only where a
	// hook runs on all of them, which HostAccess must allow; empty: unknown.
	Nodes []string `json:"nodes,omitempty"`
	// Once holds what was recorded for the application when it was first applied
	// (spec 1.6), by names such as "postgresql.default.version" and "build.web".
	Once map[string]string `json:"once,omitempty"`
	// Applications holds what other applications let this one use, by
	// "<app>/<environment>". nil: not known, so that what refers to others cannot be
	// checked; empty: nobody lets it use anything.
	Applications map[string]Readable `json:"applications,omitempty"`
	// Namespaces are those of applications, by "<app>/<environment>" in lower case,
	// that rondo.yaml does not leave at their default of <app>-<environment>.
	Namespaces map[string]string `json:"namespaces,omitempty"`
	// ResponseTime is the name of the metric of Pods, in milliseconds, that a
	// metrics adapter serves for autoscaling; empty: there is none.
	ResponseTime string `json:"response_time,omitempty"`
	KEDA         bool   `json:"keda,omitempty"` // the cluster has ScaledObjects of keda.sh/v1alpha1
	// Tags are those of Variables, by name: "k=v,k=v". The tag kube-secret keeps a
	// variable in a Secret. The daemon has no API for either yet: both are empty.
	Tags map[string]string `json:"tags,omitempty"`
	// ConfigStore holds the keys of the config store, by "app" and "account", each
	// with its metadata ("tier=web,team=a"); never a value. nil: not known.
	ConfigStore map[string]map[string]string `json:"config_store,omitempty"`
}

// Policy is what the operator lets an application do to the nodes it runs on.
// The zero value allows nothing of it.
type Policy struct {
	HostAccess bool     `json:"host_access,omitempty"` // host_network, host_pid, host_ipc, privileged, run_on: all_servers
	HostPaths  []string `json:"host_paths,omitempty"`  // prefixes of the host's folders that may be mounted
	// LogPath is the host's folder below which log_folder is kept, by namespace and
	// service; empty: log files go with their Pod.
	LogPath string `json:"log_path,omitempty"`
	MaxPods int64  `json:"max_pods,omitempty"` // most Pods that autoscaling of one service may ask for; 0: 20
}

// ObjectStore is a bucket behind an S3 API. What opens it is in a Secret of each
// application's own namespace, which rondo never reads.
type ObjectStore struct {
	Endpoint string `json:"endpoint"`
	Bucket   string `json:"bucket"`
	Region   string `json:"region"`
	Prefix   string `json:"prefix"`   // folder of the bucket; without slashes at its ends
	Provider string `json:"provider"` // as rclone calls it: "AWS", "Minio", "Other"
	Secret   string `json:"secret"`   // its keys are access_key_id and secret_access_key
	Image    string `json:"image"`    // has rclone and a shell
}

// Input is all that [Render] looks at.
type Input struct {
	Snapshot    sources.Snapshot
	App         string // application's name in rondo.yaml; also the label
	Environment string // selects the environment level of the manifest
	Namespace   string // where everything goes; never taken from the files
	Manifest    string // path of the manifest; empty: the usual places
	// Path is a folder with a kustomization or plain YAML that is rendered instead
	// of a manifest; empty: what is there decides.
	Path string
	// Images gives service name to image reference for what was built.
	Images map[string]string
	Facts  Facts
	// Incomplete goes on where the manifest asks for what is not built yet.
	Incomplete bool
}

// Builder turns the user's files into objects.
type Builder interface {
	// Build reads what it needs from in.Snapshot. Problems in the user's files
	// come back in the Draft, also when it has no objects; err is for everything
	// else: an unreadable mirror, a cancelled context. Objects need neither
	// rondo's own labels nor an order; [Render] gives them both.
	Build(ctx context.Context, in Input) (Draft, error)
	// Inputs lists the paths that Build would read for in, whether they exist
	// or not, sorted. Together with Facts and Images they decide the result.
	Inputs(in Input) []string
}

// Draft is what a [Builder] makes of the user's files.
type Draft struct {
	Objects  []Object
	Problems []Problem
	Keys     []Key             // see [Bundle]
	Check    *Check            // see [Bundle]
	Shared   *Shared           // see [Bundle]
	Reads    []string          // see [Bundle]
	Once     map[string]string // see [Bundle]
	Marks    map[string]string // see [Bundle]
}

// InputDigest identifies everything that decides what [Render] makes of in, at
// the cost of a few tree look-ups: no file is read. Version is rondo's own, so
// that a new release renders again at the next revision.
func InputDigest(in Input, b Builder, version string) (string, error) {
	type file struct{ Path, Hash string }
	var files []file
	for _, path := range b.Inputs(in) {
		hash, err := in.Snapshot.Hash(path)
		if err != nil {
			// Missing, a link, too large: that is part of the input as well.
			kind := errorKind(err)
			if kind == "" {
				return "", fmt.Errorf("read %s: %w", path, err)
			}
			hash = "unreadable: " + kind
		}
		files = append(files, file{path, hash})
	}
	sum := sha256.New()
	err := json.NewEncoder(sum).Encode(struct {
		Version, App, Environment, Namespace, Manifest, Path string
		Images                                               map[string]string
		Facts                                                Facts
		Incomplete                                           bool
		Files                                                []file
	}{version, in.App, in.Environment, in.Namespace, in.Manifest, in.Path, in.Images, in.Facts, in.Incomplete, files})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
