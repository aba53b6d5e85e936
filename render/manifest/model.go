package manifest

import (
	"time"

	"rondo.dev/rondo/sources"
)

// Application is the effective manifest of one environment: files merged,
// environment chosen, references parsed, every value checked. What renders it
// needs no further look at YAML and makes no further checks of form.
type Application struct {
	App         string
	Environment string
	Namespace   string
	// Variables are those of all services, sorted by name: environment_variables,
	// what databases generate, and what was set through the API, each
	// name once (layers 1 to 3 of spec 2.10).
	Variables []Variable
	// Addresses are those of the application, by the variables WEB_ADDRESS…, which
	// other applications may refer to; nil where none may. No container has them.
	Addresses map[string]string
	Services  []Service      // in file order
	Databases []Database     // in file order
	Volumes   []SharedVolume // of glusterfs
	// Once and Marks are recorded for later renderings, see render.Bundle.
	Once, Marks map[string]string

	Settings Settings
	Commands Commands
	Storage  Storage
	Backups  []Backup
}

// Service is one entry of services.
type Service struct {
	Name    string // object name: sanitised, at most 63 characters
	RawName string // as written
	Pos     sources.Position
	Image   string // as written, references resolved
	// Command is the container's command; nil: the image's own. Already split
	// or wrapped in a shell by the rules of spec 2.5.
	Command        []string
	Ports          []Port
	Hosts          []Host // traffic_matches; empty: any host
	Env            []Variable
	Ready          *Probe
	Alive          *Probe
	Startup        *Probe
	Resources      Resources
	MinCount       int64  // default 1
	MaxCount       int64  // 0: no upper end; equal to MinCount: rondo owns the count
	MaxUnavailable string // "50%" or "2"
	MaxSurge       string
	// StopGrace is the time from TERM to KILL; default 30 s, zero: at once.
	StopGrace   time.Duration
	Tags        map[string]string
	Annotations map[string]string
	Requires    []string // object names
	// Wave is the longest chain of requires below this service; 0: none.
	Wave int
	// RestartOnDeploy: nil when not written, see design section 8.
	RestartOnDeploy *bool

	Pod   Pod
	Steps Steps
	Mount Mount
}

// Port is one entry of ports. External numbers are 0 when not given.
type Port struct {
	Pos       sources.Position
	Container int
	HTTP      int
	HTTPS     int
	TCP       int
	UDP       int
}

// Host is one entry of traffic_matches, in lower-case punycode.
type Host struct {
	Pos  sources.Position
	Name string // "shop.example.org", "*.example.org", or "" for any host ("_")
}

// Variable is one environment variable with its references resolved.
type Variable struct {
	Pos    sources.Position
	Name   string
	Secret bool // goes to a Secret instead of a ConfigMap
	// Foreign: the value depends on a variable of another application.
	Foreign bool
	// Generate is how many random characters the cluster makes up for it, once;
	// 0: none. Value then is a key of [Application.GeneratedSecret] or
	// [Service.GeneratedSecret].
	Generate int
	Value    Value
}

// Value is what a variable holds: text, with places that only Kubernetes can
// fill in because they come from a Secret or another run-time source. A value
// that is plain text has exactly one Part with only Text set, or none.
type Value struct {
	Parts []Part
}

// Part is a piece of a Value. Either Text, or a key of a Secret.
type Part struct {
	Text      string
	SecretRef *SecretRef
}

// SecretRef names a key of a Secret in the application's own namespace.
type SecretRef struct {
	Secret string
	Key    string
	// Optional: a Secret without this key leaves the variable unset. It is set on
	// what service_dsn_secret generates, since not every Secret has every key,
	// and not where the manifest refers to the variable by name.
	Optional bool
}

// Text returns the value where it needs no Secret.
func (v Value) Text() (string, bool) {
	s := ""
	for _, p := range v.Parts {
		if p.SecretRef != nil {
			return "", false
		}
		s += p.Text
	}
	return s, true
}

// Probe is one block of health, every field filled in (spec 2.12).
type Probe struct {
	Pos              sources.Position
	Type             string // http, https, tcp, exec
	Endpoint         string
	Port             int
	Headers          []Header
	Command          []string
	InitialDelay     int64 // seconds
	Period           int64 // seconds
	Timeout          int64 // seconds
	SuccessThreshold int64
	FailureThreshold int64
}

// Header is a request header of an HTTP probe.
type Header struct{ Name, Value string }

// Resources are Kubernetes quantities in canonical text; empty: not set.
type Resources struct {
	RequestCPU, RequestMemory string
	LimitCPU, LimitMemory     string
}
