package config

import (
	"time"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/render/data"
)

// File is rondo.yaml. Every default is that of [Defaults].
type File struct {
	Listen         string        `yaml:"listen"`          // public: webhooks and the API
	InternalListen string        `yaml:"internal_listen"` // metrics and health, for the cluster only
	PublicURL      string        `yaml:"public_url"`      // https address under which people reach the daemon; empty: statuses have no link
	Store          string        `yaml:"store"`           // sqlite:///path
	Data           string        `yaml:"data"`            // folder of mirrors
	KeyFile        string        `yaml:"key_file"`        // 32 random bytes; made when missing
	SingleTenant   bool          `yaml:"single_tenant"`   // write as rondo itself, without impersonation
	LogLevel       string        `yaml:"log_level"`       // debug, info, warn, error
	GitHub         GitHub        `yaml:"github"`
	Git            Git           `yaml:"git"`
	Secrets        Secrets       `yaml:"secrets"`
	Cluster        Cluster       `yaml:"cluster"`
	Poll           Poll          `yaml:"poll"`
	HealthChecks   HealthChecks  `yaml:"health_checks"`
	Access         []Access      `yaml:"access"`
	Applications   []Application `yaml:"applications"`
	// Catalogue gives images of data components by engine, then by version. An
	// engine that is written has those versions and no others.
	Catalogue   map[string]map[string]string `yaml:"catalogue"`
	ObjectStore ObjectStore                  `yaml:"object_store"`
}

// GitHub is how rondo signs in to GitHub, and GitHub to rondo.
type GitHub struct {
	App               GitHubApp `yaml:"app"`
	TokenFile         string    `yaml:"token_file"` // instead of app
	WebhookSecretFile string    `yaml:"webhook_secret_file"`
	APIURL            string    `yaml:"api_url"` // of GitHub Enterprise; empty: github.com
}

// GitHubApp is an installed GitHub App.
type GitHubApp struct {
	ID             int64  `yaml:"id"`
	PrivateKeyFile string `yaml:"private_key_file"`
}

// Git is how repositories outside GitHub are fetched.
type Git struct {
	TokenFile string `yaml:"token_file"` // sent to Hosts only
	// Hosts are the hosts, with their port, that TokenFile is for.
	Hosts []string `yaml:"hosts"`
	// Both are required where an address says ssh.
	SSHKeyFile     string `yaml:"ssh_key_file"`     // private key without a passphrase
	KnownHostsFile string `yaml:"known_hosts_file"` // the only host keys that are trusted
}

// Secrets is how encrypted files of repositories are opened.
type Secrets struct {
	AgeKeyFile string `yaml:"age_key_file"` // age identities, a line each; empty: none are opened
}

// Cluster is the cluster that is kept, and how.
type Cluster struct {
	Kubeconfig     string        `yaml:"kubeconfig"`      // empty: the pod's own account, else KUBECONFIG
	LeaseNamespace string        `yaml:"lease_namespace"` // empty: the pod's own, else "default"
	LeaseName      string        `yaml:"lease_name"`
	ClusterRole    string        `yaml:"cluster_role"` // what each application's account is bound to
	TakeOver       []string      `yaml:"take_over"`    // field managers whose fields rondo takes
	Sweep          time.Duration `yaml:"sweep"`        // slow check of everything
	SecretCheck    time.Duration `yaml:"secret_check"` // Secrets are not watched but asked for
	NodePorts      bool          `yaml:"node_ports"`   // no load balancers: tcp and udp ports from 30000 become node ports
	// StorageClasses gives the StorageClass of a root_disk_type: ssd, magnetic.
	StorageClasses map[string]string `yaml:"storage_classes"`
	RWXClass       string            `yaml:"rwx_storage_class"` // of volumes that several pods write; empty: there is none
	EdgeNamespace  string            `yaml:"edge_namespace"`    // of what serves web traffic from outside; empty: anywhere
	OpenNetwork    bool              `yaml:"open_network"`      // the cluster's network enforces no NetworkPolicies
	// ResponseTime is the metric of Pods, in milliseconds, that a metrics adapter
	// serves for autoscaling; empty: there is none.
	ResponseTime string `yaml:"response_time_metric"`
}

// ObjectStore is where backups of kind managed go; without an endpoint there is none.
type ObjectStore struct {
	Endpoint string `yaml:"endpoint"` // https address of an S3 API; http to a Service of the cluster
	Bucket   string `yaml:"bucket"`
	Region   string `yaml:"region"`
	Prefix   string `yaml:"prefix"`   // folder of the bucket
	Provider string `yaml:"provider"` // as rclone calls it
	Secret   string `yaml:"secret"`   // Secret of each application's namespace
	Image    string `yaml:"image"`    // has rclone
}

// HealthChecks bounds what the checks after a deployment may ask.
type HealthChecks struct {
	AllowLoopback bool   `yaml:"allow_loopback"` // addresses of the daemon's own machine, too
	ConnectTo     string `yaml:"connect_to"`     // host, or host:port, that is connected to instead of what names resolve to
	// Remotes ask the same from elsewhere; package probe documents what they are sent.
	Remotes []Remote `yaml:"remotes"`
}

// Remote is a checker that the operator runs in another region.
type Remote struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
}

// Policy is what an application may do to the nodes it runs on.
type Policy struct {
	HostAccess bool     `yaml:"host_access"` // host_network, host_pid, host_ipc, privileged, run_on: all_servers
	HostPaths  []string `yaml:"host_paths"`  // prefixes of the host's folders that may be mounted
	LogPath    string   `yaml:"log_path"`    // the host's folder below which log_folder is kept; empty: log files go with their pod
	MaxPods    int64    `yaml:"max_pods"`    // most pods that autoscaling of one service may ask for; 0: 20
}

// Poll bounds the adaptive interval between two looks at a repository.
type Poll struct {
	Min time.Duration `yaml:"min"`
	Max time.Duration `yaml:"max"`
}

// Access is one token of the API.
type Access struct {
	Name      string `yaml:"name"` // who it is, for the audit
	Role      string `yaml:"role"` // read, operate
	TokenFile string `yaml:"token_file"`
}

// Application is one entry of applications.
type Application struct {
	Name            string        `yaml:"name"`
	Repository      string        `yaml:"repository"`
	Ref             string        `yaml:"ref"`
	Environment     string        `yaml:"environment"`
	Namespace       string        `yaml:"namespace"`
	ServiceAccount  string        `yaml:"service_account"`
	Manifest        string        `yaml:"manifest"`
	Path            string        `yaml:"path"` // folder with a kustomization or plain YAML, instead of a manifest
	HealthDeadline  time.Duration `yaml:"health_deadline"`
	AllowIncomplete bool          `yaml:"allow_incomplete"`
	Schedule        string        `yaml:"schedule"` // cron; empty: adaptive polling
	Ignore          []Ignore      `yaml:"ignore"`
	Policy          Policy        `yaml:"policy"`
	// ConfigStore lists the entries of the config store, by "app" and "account",
	// then by key, each with its metadata: "tier=web,team=a". Their values are in
	// Secrets that rondo does not read.
	ConfigStore map[string]map[string]string `yaml:"config_store"`
}

// Ignore names fields that are left alone.
type Ignore struct {
	Kind     string   `yaml:"kind"`
	Name     string   `yaml:"name"`
	Pointers []string `yaml:"pointers"`
}

// Defaults is a File with every default filled in.
func Defaults() File {
	return File{
		Listen:         ":8080",
		InternalListen: ":8081",
		Store:          "sqlite:///var/lib/rondo/rondo.db",
		Data:           "/var/lib/rondo",
		KeyFile:        "/var/lib/rondo/key",
		LogLevel:       "info",
		Cluster: Cluster{
			LeaseName: "rondo", ClusterRole: "rondo-application", TakeOver: []string{"kubectl*", "before-first-apply"},
			Sweep: 6 * time.Hour, SecretCheck: 10 * time.Minute,
		},
		Poll:      Poll{Min: 30 * time.Second, Max: 15 * time.Minute},
		Catalogue: data.Catalogue(),
		ObjectStore: ObjectStore{
			Region: "us-east-1", Prefix: "rondo", Provider: "Other", Secret: "rondo-object-store", Image: "docker.io/rclone/rclone:1.76.0",
		},
	}
}

// Config is a File that was checked.
type Config struct {
	File
	Path string
	// Apps are the valid applications.
	Apps []reconcile.Application
	// Schedules gives the cron expression of applications that have one.
	Schedules map[string]string
	// Invalid says, for applications that are not, why; each with file:line.
	Invalid map[string]error
}

// notBuilt are keys of the design whose parts do not exist yet.
var notBuilt = map[string]string{
	"discover": "list the applications", "previews": "remove it", "builds": "give services an image",
	"minutes": "remove it", "edge": "install an Ingress controller", "gitea": "remove it",
	"public_badge": "remove it",
}
