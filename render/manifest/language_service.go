package manifest

import "slices"

// service holds the values of one service as the walk found them.
type service struct {
	name    string // object name
	rawName string
	self    *node
	place   place
	faulty  bool // the walk found an error

	buildOptions
	commandOptions
	podOptions
	storageOptions

	annotations, tags                      *node
	image                                  *node
	command                                *node
	envVars, envs, secretEnv               *node
	ports, hosts                           *node
	health                                 *node
	stopGrace, restart, requires           *node
	databases                              *node
	requestMemory, requestCPU              *node
	limitMemory, limitCPU                  *node
	shortMemory, shortCPU                  *node
	minCount, maxCount, unavailable, surge *node
	moved                                  [4]*node // counts below resources
}

// options is the table of a service (spec 2.3).
func (s *service) options() []Option { return s.rows(nil) }

// rows appends the table to a slice, so that one can serve many services.
func (s *service) rows(to []Option) []Option {
	to = s.own(slices.Grow(to, 80))
	to = s.buildOptions.rows(to)
	to = s.commandOptions.rows(to)
	to = s.podOptions.rows(to)
	return foreignKeys(s.storageOptions.rows(to))
}

// own are the options that are in no table of their own.
func (s *service) own(to []Option) []Option {
	return append(to,
		opt("annotations", Mapping, "{}", "a mapping of text", "Annotations of the workload and its pods.").into(&s.annotations),
		opt("tags", List|Mapping|Text, "[]", "a list of k=v, k:v or k, or a mapping", "Labels of the workload and its pods.").into(&s.tags),
		opt("image", Text, "", "[host[:port]/]repo[:tag][@digest]", "Ready-made image; excludes git_url.").into(&s.image),
		opt("command", Text|List, "the image's own", "words, a shell line or a list", "Process to run; replaces the image's entry point.").into(&s.command),
		opt("env_vars", Mapping, "{}", "a mapping of NAME: value", "Variables of the service.").into(&s.envVars),
		opt("envs", List, "", "a list of NAME: value", "Older form of env_vars.").deprecated("write a mapping env_vars:").into(&s.envs),
		opt("secret_env", List|Text, "[]", "names from env_vars", "Variables that are kept in a Secret.").ext().into(&s.secretEnv),
		opt("ports", List|Text|Mapping, "[]", "8080, 8080:80:443 or {container: 8080, http: 80}", "Ports of the container and what reaches them.").
			keys(new(rawPort).options).into(&s.ports),
		opt("traffic_matches", List|Text, "any host", "host names, *.name or _", "Host names that lead to the service.").into(&s.hosts),
		opt("dns_behaviour", Text, "versioned", "", "Whether callers see only their own version during a rollout.").
			words("versioned", "non-versioned").checked(dnsBehaviour).later("versioned", "non-versioned"),
		opt("health", Mapping|Text, "none", "ready, alive and startup, or default, or none", "Checks of the container.").
			words("default", "none").keys(healthForms).into(&s.health),
		opt("stop_grace", Text, "30s", "45, 45s, 2m or 1h", "Time from TERM to KILL.").into(&s.stopGrace),
		opt("restart_on_deploy", Bool, "when something changed", "true or false", "Whether a deployment restarts the service.").into(&s.restart),
		opt("requires", List|Text, "[]", "service names", "Services that are started before.").into(&s.requires),
		opt("constraints", Mapping, "", "a mapping", "Resources, counts and pace of updates.").keys(s.constraints),
		opt("databases", List|Text, "", "engine names", "Engines, at a place where they do not belong.").
			deprecated("move databases: to the top level").into(&s.databases),
		opt("backend_protocol", Text, "http", "", "Protocol between edge and container.").words("http", "https").ext().later("http"),
	)
}

// foreignKeys are those of other tools.
func foreignKeys(to []Option) []Option {
	return append(to,
		no("environment", "write env_vars:"),
		no("env", "write env_vars:"),
		no("environment_variables", "write env_vars:, or move it to the top level for all services"),
		no("depends_on", "write requires:"),
		no("links", "remove it; services reach each other by name"),
		no("restart", "remove it; containers are always restarted"),
		no("log_dir", "write log_folder"),
		no("git", "write git_url"),
		no("git_repo", "write git_url"),
		no("build", "write git_url and build_root"),
		no("dockerfile", "write dockerfile_path"),
		no("entrypoint", "write command"),
		no("expose", "write ports:"),
		no("port", "write ports:"),
		no("hosts", "write traffic_matches:"),
		no("domains", "write traffic_matches:"),
		no("labels", "write tags:"),
		no("replicas", "set constraints.min_count and max_count"),
		no("scale", "set constraints.min_count and max_count"),
		no("healthcheck", "write health:"),
		no("health_check", "write health:"),
		no("cmd", "write command"),
		no("resources", "move it under constraints:"),
		no("requests", "move it under constraints.resources:"),
		no("limits", "move it under constraints.resources:"),
		no("memory", "move it under constraints.resources.limits:"),
		no("cpu", "move it under constraints.resources.requests:"),
		no("habitus_filename", "use a multi-stage Dockerfile"),
		no("habitus_params", "use a multi-stage Dockerfile"),
	)
}

// constraints is the table of spec 2.11.
func (s *service) constraints() []Option {
	return append([]Option{
		opt("resources", Mapping, "", "requests and limits", "CPU and memory.").keys(s.resources),
		opt("min_count", Integer, "1", "0 or more", "Fewest pods.").into(&s.minCount),
		opt("max_count", Integer, "", "min_count or more", "Most pods.").into(&s.maxCount),
		opt("max_unavailable", Text, "50%", "a number or a percentage", "Pods that may be missing during an update.").into(&s.unavailable),
		opt("max_surge", Text, "50%", "a number or a percentage", "Pods that may be added during an update.").into(&s.surge),
	}, s.podOptions.nodes()...)
}

func (s *service) resources() []Option {
	memory, cpu := "a number with K, M, G, Ki, Mi or Gi; at least 4M", "250m, 1.5 or 2"
	return append([]Option{
		opt("requests", Mapping, "", "memory and cpu", "What is reserved.").keys(func() []Option {
			return []Option{
				opt("memory", Text, "", memory, "Memory.").into(&s.requestMemory),
				opt("cpu", Text, "", cpu, "Cores.").into(&s.requestCPU),
			}
		}),
		opt("limits", Mapping, "", "memory and cpu", "What is the most.").keys(func() []Option {
			return []Option{
				opt("memory", Text, "", memory, "Memory.").into(&s.limitMemory),
				opt("cpu", Text, "", cpu, "Cores.").into(&s.limitCPU),
			}
		}),
		opt("memory", Text, "", memory, "Limit of memory in the old form.").deprecated("write limits: {memory: …}").into(&s.shortMemory),
		opt("cpu", Integer, "", "shares; 1024 is one core", "CPU shares in the old form.").deprecated("write requests: {cpu: …}").into(&s.shortCPU),
		misplaced("min_count", &s.moved[0]),
		misplaced("max_count", &s.moved[1]),
		misplaced("max_unavailable", &s.moved[2]),
		misplaced("max_surge", &s.moved[3]),
	}, s.podOptions.misplacedNodes()...)
}

// misplaced is a key of constraints that people write one level too deep.
func misplaced(name string, at **node) Option {
	return moved(opt(name, Text, "", "", "Belongs to constraints.").into(at))
}

func healthOptions() []Option {
	probe := new(rawProbe).options
	return []Option{
		opt("ready", Mapping|Text, "none", "a mapping, or none", "Decides whether the container gets traffic.").words("none").keys(probe),
		opt("alive", Mapping|Text, "none", "a mapping, or none", "Restarts the container when it fails.").words("none").keys(probe),
		opt("startup", Mapping|Text, "none", "a mapping, or none", "Holds the other two back until it succeeds.").words("none").keys(probe),

		no("readiness", "write ready:"),
		no("liveness", "write alive:"),
	}
}

// healthForms are the keys of both forms of health.
func healthForms() []Option { return append(healthOptions(), new(rawCheck).options()...) }

// dnsBehaviour tells that versions are only told apart where two stay side by
// side, which a rolling update does not do (spec 2.7).
func dnsBehaviour(r *reader, n *node, p place) {
	if n.text == "versioned" {
		r.fault(n, p, "I-DNS-VERSIONED", "has no effect in a rolling update: callers reach old and new pods", "remove it")
	}
}
