package score

// Grade is A to F; E exists. The empty Grade means "not judged".
type Grade string

const (
	A Grade = "A"
	B Grade = "B"
	C Grade = "C"
	D Grade = "D"
	E Grade = "E"
	F Grade = "F"
)

// Version names the method; it is published with each Score.
const Version = "ss-0"

// Metric is one of the five.
type Metric string

const (
	Code         Metric = "code"
	Backups      Metric = "backups"
	Connectivity Metric = "connectivity"
	Performance  Metric = "performance"
	Security     Metric = "security"
)

// Metrics are all five in the order they are shown.
var Metrics = [...]Metric{Code, Backups, Connectivity, Performance, Security}

// Score is an application's score and the checks that made it.
type Score struct {
	Version string           `json:"version"`
	Overall Grade            `json:"overall"`
	Grades  map[Metric]Grade `json:"grades"` // metrics without checks are absent: not judged
	Checks  []Check          `json:"checks"` // all that ran, worst first
}

// CheckResult is how a check ended.
type CheckResult string

const (
	Pass          CheckResult = "pass"
	Fail          CheckResult = "fail"
	NotKnown      CheckResult = "unknown"
	NotApplicable CheckResult = "not_applicable"
)

// Check is one check of one object.
type Check struct {
	ID     string      `json:"id"` // "CONN-11"
	Metric Metric      `json:"metric"`
	Result CheckResult `json:"result"`
	Cap    Grade       `json:"cap,omitempty"`    // of a failed or unknown check
	Object string      `json:"object,omitempty"` // service or Kind/namespace/name
	Reason string      `json:"reason,omitempty"`
	Fix    string      `json:"fix,omitempty"`
}
