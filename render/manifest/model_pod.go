package manifest

import (
	"time"

	"rondo.dev/rondo/sources"
)

// Kind is the kind of workload that a service is. The zero value is a Deployment.
type Kind string

// Kinds of workloads, as type: has them.
const (
	KindDeployment  Kind = ""
	KindDaemonSet   Kind = "daemon_set"
	KindStatefulSet Kind = "stateful_set"
	KindJob         Kind = "job"
	KindCronJob     Kind = "cron_job"
)

// Ends reports whether Pods of the kind run to their end: they have no ports and
// no probes, and are not counted.
func (k Kind) Ends() bool { return k == KindJob || k == KindCronJob }

// Counted reports whether the kind has a number of Pods that is kept.
func (k Kind) Counted() bool { return k == KindDeployment || k == KindStatefulSet }

// Pod is what a service says about its workload and Pods (spec 2.9, 2.11, 2.13
// to 2.15). The zero value says nothing.
type Pod struct {
	Kind     Kind
	Schedule string // of a CronJob: five fields, or a word such as @daily
	TimeZone string // of Schedule; "Etc/UTC" unless written

	Args           []string // nil: the image's own
	WorkDir        string   // absolute; empty: the image's own
	PullPolicy     string   // empty: not written
	DNS            *DNS
	ServiceAccount string // empty: the default one

	Sticky       bool   // a client stays with a Pod for a minute
	Distribution string // trafficDistribution of the Service; empty: none

	Recreate bool // old Pods stop before new ones start
	// MinReady is how long a Pod must be ready to count as available; zero: it
	// counts at once.
	MinReady time.Duration
	// ProgressDeadline is the time without progress after which a rollout of a
	// Deployment has failed; zero: ten minutes.
	ProgressDeadline time.Duration
	Disruption       *Disruption // nil: the usual budget

	PostStart, PreStop *Action

	// Persistent: a volume outlives the Pods. Exclusive: one of them can be
	// mounted by a single node, so two Pods cannot share it.
	Persistent, Exclusive bool

	Security  Security
	Placement Placement
	Scaling   *Scaling // nil: none
}

// DNS is added to what the Pods of a cluster have (dns_config).
type DNS struct {
	Servers, Searches []string
	Options           []DNSOption
}

// DNSOption is a setting of the resolver; Value may be empty.
type DNSOption struct{ Name, Value string }

// Disruption says how many Pods may be taken away at a time; one of the two is
// empty. Both are a number or a percentage.
type Disruption struct{ MaxUnavailable, MinAvailable string }

// Action is a command that the node runs in a container when it starts or stops:
// either a line for a shell or the words of a program.
type Action struct {
	Pos   sources.Position
	Line  string
	Words []string
}

// Security is security_context. nil and empty: not written.
type Security struct {
	User, Group, FSGroup           *int64
	Groups                         []int64
	NonRoot                        *bool
	HostNetwork, HostPID, HostIPC  bool
	Privileged, ReadOnly, Escalate *bool
	AddCapabilities                []string // without CAP_
	DropCapabilities               []string
	Seccomp                        string // RuntimeDefault, Unconfined, or localhost/<path of a profile on the node>
	FSGroupChange                  string
	UserName                       string // on Windows
}

// Placement says on which nodes Pods run.
type Placement struct {
	Nodes        []string // names; empty: any
	Tags         []Tag    // labels of which one is enough; empty: any
	Selector     map[string]string
	Tolerations  []Toleration
	Spread       *Spread // nil: the usual one
	Priority     string  // PriorityClass
	AntiAffinity []string
}

// Tag is a label that a node has; Any: with any value.
type Tag struct {
	Key, Value string
	Any        bool
}

// Toleration lets Pods run on nodes with a taint, in the words of Kubernetes.
type Toleration struct {
	Key, Operator, Value, Effect string
	Seconds                      *int64 // nil: for ever
}

// Spread keeps Pods of a service apart.
type Spread struct {
	Zone     bool // else hosts
	MaxSkew  int64
	Required bool
}

// Scaling is autoscaling; the counts are MinCount and MaxCount of the service.
type Scaling struct {
	CPU, Memory      int64 // percent of the request; 0: not looked at
	ResponseTime     int64 // milliseconds; 0: not looked at
	Queue            *Queue
	StepUp, StepDown int64 // Pods a minute
	Cooldown         time.Duration
}

// Queue is a RabbitMQ queue at the address in the variable RABBITMQ_URL.
type Queue struct {
	Name, VHost string // VHost: empty, that of the address
	PerPod      int64  // messages
}

// Drains reports whether the service must leave load balancers before it stops:
// it is reached from outside and does not stop at once.
func (s Service) Drains() bool {
	if s.StopGrace <= 0 {
		return false
	}
	for _, p := range s.Ports {
		if p.HTTP+p.HTTPS+p.TCP+p.UDP > 0 {
			return true
		}
	}
	return false
}
