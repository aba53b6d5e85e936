package manifest

// podOptions holds what a service says about its workload and Pods: kind,
// placement, life cycle, security, scaling (spec 2.9, 2.11, 2.13 to 2.15).
type podOptions struct {
	kind *node
}

func (o *podOptions) rows() []Option {
	return []Option{
		opt("args", List, "the image's own", "a list of text", "Arguments of the process.").ext().later().hint("write them in command"),
		opt("work_dir", Text, "the image's own", "absolute path", "Working directory.").later().hint("set WORKDIR in the image"),
		opt("load_balancing", Text, "roundrobin", "", "How callers inside the cluster are spread.").
			words("roundrobin", "sticky", "closest").later("roundrobin"),
		opt("post_start_command", Text|List, "", "shell line", "Runs after the container has started.").later(),
		opt("pre_stop_command", Text|List, "", "shell line", "Runs before the container is stopped.").later(),
		opt("pre_stop_sequence", Text, "", "1m:USR2:30s", "Timed signals before a stop.").later().hint("use stop_grace"),
		opt("pre_start_signal", Text, "", "signal name", "Signal to the old container.").
			rejected("E-REJECTED", "use pre_stop_command"),
		opt("security_context", Mapping, "", "a mapping", "Security of pod and container.").later().keys(securityOptions),
		opt("privileged", Bool, "false", "", "Privileged container.").later("false", "no", "off").hint("use security_context.privileged"),
		opt("service_account_name", Text, "default", "", "ServiceAccount of the pods.").later("default"),
		opt("type", Text, "service", "", "Kind of workload.").
			words("service", "deployment", "daemon_set", "stateful_set", "job", "cron_job").later("service", "deployment").into(&o.kind),
		opt("autoscaling", Mapping, "", "a mapping", "Scaling by load.").ext().later().keys(autoscalingOptions),
		opt("strategy", Mapping|Text, "", "a mapping", "How an update is rolled out.").ext().later().hint("set constraints.max_unavailable and max_surge").keys(strategyOptions),
		opt("placement", Mapping, "", "a mapping", "Spread, affinity, priority.").ext().later().keys(placementOptions),
		opt("disruption", Mapping, "", "a mapping", "Budget for voluntary disruptions.").ext().later().keys(disruptionOptions),
		opt("dns_config", Mapping, "", "a mapping", "DNS of the pods.").ext().later().keys(dnsOptions),
		opt("pull_policy", Text, "IfNotPresent", "", "When the image is pulled.").words("IfNotPresent", "Always", "Never").ext().later("IfNotPresent"),
	}
}

// nodes are the options of constraints that say where Pods run.
func (o *podOptions) nodes() []Option {
	return []Option{
		opt("servers", Mapping, "", "names and tags", "Nodes to run on.").later().keys(func() []Option {
			return []Option{
				opt("names", List, "", "node names", "Nodes by name."),
				opt("tags", List, "", "k=v, k:v or k", "Nodes by label."),
			}
		}),
		opt("tolerations", List|Mapping, "", "taints", "Taints to tolerate.").later(),
	}
}

func securityOptions() []Option {
	rows := []Option{
		opt("supplemental_groups", List, "", "", "Further groups."),
		opt("capabilities", Mapping, "", "add and drop", "Capabilities.").ext(),
		opt("seccomp_profile", Text, "", "", "Profile.").ext(),
		opt("fs_group_change_policy", Text, "", "", "When ownership changes.").ext(),
		opt("run_as_user_name", Text, "", "", "User by name.").ext(),
	}
	for _, name := range []string{"run_as_user", "run_as_group", "fs_group"} {
		rows = append(rows, opt(name, Integer, "", "", "Numeric identity."))
	}
	for _, name := range []string{"run_as_non_root", "host_network", "host_pid", "host_ipc", "privileged", "read_only_root_filesystem", "allow_privilege_escalation"} {
		rows = append(rows, opt(name, Bool, "", "", "Security of the container."))
	}
	return rows
}

func autoscalingOptions() []Option {
	return []Option{
		opt("min", Integer, "min_count", "", "Fewest pods."),
		opt("max", Integer, "max_count", "", "Most pods."),
		opt("cpu", Text, "", "percent of the request", "Load to aim at."),
		opt("memory", Text, "", "percent of the request", "Memory to aim at."),
		opt("response_time", Text, "", "ms", "Response time to aim at."),
		opt("queue", Mapping, "", "", "Queue to watch."),
		opt("step", Mapping, "", "up and down", "Pods at a time."),
		opt("cooldown", Text, "20m", "", "Pause between steps."),
		opt("lookback", Text, "5m", "", "Window of the measure."),
	}
}

func strategyOptions() []Option {
	return []Option{
		opt("type", Text, "RollingUpdate", "", "How.").words("RollingUpdate", "Recreate"),
		opt("max_unavailable", Text, "50%", "", "Pods that may be missing."),
		opt("max_surge", Text, "50%", "", "Pods that may be added."),
		opt("min_ready", Text, "0", "", "Seconds a pod must be ready."),
		opt("progress_deadline", Text, "600s", "", "Longest pause without progress."),
	}
}

func placementOptions() []Option {
	return []Option{
		opt("spread", Mapping, "", "by, max_skew, required", "Spread over nodes or zones."),
		opt("priority_class", Text, "", "", "PriorityClass."),
		opt("node_selector", Mapping, "", "", "Labels of nodes."),
		opt("anti_affinity", List, "", "service names", "Services to stay away from."),
	}
}

func disruptionOptions() []Option {
	return []Option{
		opt("max_unavailable", Text, "1", "", "Pods that may be missing."),
		opt("min_available", Text, "", "", "Pods that must stay."),
	}
}

func dnsOptions() []Option {
	return []Option{
		opt("nameservers", List, "", "", "Name servers."),
		opt("searches", List, "", "", "Search domains."),
		opt("options", List|Mapping, "", "", "Resolver options."),
	}
}
