package manifest

// podOptions holds what a service says about its workload and Pods: kind,
// placement, life cycle, security, scaling (spec 2.9, 2.11, 2.13 to 2.15).
type podOptions struct {
	kind, schedule, timeZone         *node
	args, workDir, pull, account     *node
	balancing                        *node
	postStart, preStop, stopSequence *node
	privileged                       *node

	strategy   rawStrategy
	disruption rawDisruption
	dns        rawDNS
	security   rawSecurity
	scaling    rawScaling
	placement  rawPlacement

	servers, movedServers         rawServers
	tolerations, movedTolerations *node
}

func (o *podOptions) rows(to []Option) []Option {
	return append(to,
		opt("args", List, "the image's own", "a list of text", "Arguments of the process.").ext().into(&o.args),
		opt("work_dir", Text, "the image's own", "absolute path", "Working directory.").into(&o.workDir),
		opt("load_balancing", Text, "roundrobin", "", "How callers inside the cluster are spread.").
			words("roundrobin", "sticky", "closest").into(&o.balancing),
		opt("post_start_command", Text|List, "", "a shell line, or a list of words", "Runs after the container has started, beside its process.").into(&o.postStart),
		opt("pre_stop_command", Text|List, "", "a shell line, or a list of words", "Runs before the container is stopped.").into(&o.preStop),
		opt("pre_stop_sequence", Text, "", "durations and signals in turn, as in 1m:USR2:30s", "Timed signals before a stop.").translated().into(&o.stopSequence),
		opt("pre_start_signal", Text, "", "signal name", "Signal to the old container.").
			rejected("E-REJECTED", "use pre_stop_command, or strategy: {type: Recreate}"),
		opt("security_context", Mapping, "", "a mapping", "Security of pod and container.").keys(o.security.options),
		opt("privileged", Bool, "false", "", "Privileged container.").deprecated("write security_context: {privileged: …}").into(&o.privileged),
		opt("service_account_name", Text, "default", "name of an existing ServiceAccount", "ServiceAccount of the pods.").into(&o.account),
		opt("type", Text, "service", "", "Kind of workload.").
			words("service", "deployment", "daemon_set", "stateful_set", "job", "cron_job").into(&o.kind),
		opt("schedule", Text, "", "cron", "When a service of type cron_job runs.").ext().into(&o.schedule),
		opt("time_zone", Text, "Etc/UTC", "name of the IANA database", "Time zone of schedule.").ext().into(&o.timeZone),
		opt("autoscaling", Mapping, "", "a mapping", "Scaling by load.").ext().keys(o.scaling.options),
		opt("strategy", Mapping|Text, "RollingUpdate", "a mapping, RollingUpdate or Recreate", "How an update is rolled out.").ext().
			words("RollingUpdate", "Recreate").keys(o.strategy.options).checked(func(_ *reader, n *node, _ place) {
			if n.shape == Text {
				o.strategy.kind = n
			}
		}),
		opt("placement", Mapping, "", "a mapping", "Spread, affinity, priority.").ext().keys(o.placement.options),
		opt("disruption", Mapping, "", "max_unavailable or min_available", "Budget for voluntary disruptions.").ext().keys(o.disruption.options),
		opt("dns_config", Mapping, "", "a mapping", "DNS of the pods, added to that of the cluster.").ext().keys(o.dns.options),
		opt("pull_policy", Text, "IfNotPresent", "", "When the image is pulled.").words("IfNotPresent", "Always", "Never").ext().into(&o.pull),
	)
}

// rawStrategy holds strategy (spec 2.9).
type rawStrategy struct{ kind, unavailable, surge, minReady, deadline *node }

func (o *rawStrategy) options() []Option {
	return []Option{
		opt("type", Text, "RollingUpdate", "", "Whether old pods stop before new ones start.").words("RollingUpdate", "Recreate").into(&o.kind),
		opt("max_unavailable", Text, "constraints.max_unavailable", "a number or a percentage", "Pods that may be missing during an update.").into(&o.unavailable),
		opt("max_surge", Text, "constraints.max_surge", "a number or a percentage", "Pods that may be added during an update.").into(&o.surge),
		opt("min_ready", Text, "0", "seconds", "Time that a pod must be ready to count as available.").into(&o.minReady),
		opt("progress_deadline", Text, "600s", "seconds, more than min_ready", "Time without progress after which a rollout has failed.").into(&o.deadline),
	}
}

// rawDisruption holds disruption.
type rawDisruption struct{ unavailable, available *node }

func (o *rawDisruption) options() []Option {
	return []Option{
		opt("max_unavailable", Text, "1", "a number or a percentage", "Pods that may be taken away at a time.").into(&o.unavailable),
		opt("min_available", Text, "", "a number or a percentage", "Pods that must stay.").into(&o.available),
	}
}

// rawDNS holds dns_config.
type rawDNS struct{ servers, searches, settings *node }

func (o *rawDNS) options() []Option {
	return []Option{
		opt("nameservers", List|Text, "", "up to 3 IP addresses", "Name servers.").into(&o.servers),
		opt("searches", List|Text, "", "up to 32 domains", "Domains in which short names are looked up.").into(&o.searches),
		opt("options", List|Mapping, "", "name: value pairs", "Settings of the resolver.").into(&o.settings),
	}
}

// rawSecurity holds security_context (spec 2.14).
type rawSecurity struct {
	user, group, fsGroup, groups      *node
	nonRoot, network, pid, ipc        *node
	privileged, readOnly, escalation  *node
	seccomp, fsGroupChange, userName  *node
	capabilitiesAdd, capabilitiesDrop *node
}

func (o *rawSecurity) options() []Option {
	return []Option{
		opt("run_as_user", Integer, "the image's own", "0 or more", "User of the processes.").into(&o.user),
		opt("run_as_group", Integer, "the image's own", "0 or more", "Group of the processes.").into(&o.group),
		opt("run_as_non_root", Bool, "false", "", "Refuses to start as root.").into(&o.nonRoot),
		opt("fs_group", Integer, "", "0 or more", "Group that owns the volumes.").into(&o.fsGroup),
		opt("supplemental_groups", List|Integer, "", "numbers", "Further groups of the processes.").into(&o.groups),
		opt("host_network", Bool, "false", "", "Uses the network of the node; needs the operator's consent.").into(&o.network),
		opt("host_pid", Bool, "false", "", "Sees the processes of the node; needs the operator's consent.").into(&o.pid),
		opt("host_ipc", Bool, "false", "", "Shares memory with the node; needs the operator's consent.").into(&o.ipc),
		opt("privileged", Bool, "false", "", "Gives the container all of the node; needs the operator's consent.").into(&o.privileged),
		opt("read_only_root_filesystem", Bool, "false", "", "Keeps the container from writing outside of its volumes.").ext().into(&o.readOnly),
		opt("allow_privilege_escalation", Bool, "true", "", "Whether a process can gain more rights than its parent.").ext().into(&o.escalation),
		opt("capabilities", Mapping, "", "add and drop", "Capabilities of the container.").ext().keys(func() []Option {
			return []Option{
				opt("add", List|Text, "", "names such as NET_BIND_SERVICE", "Capabilities that are given.").into(&o.capabilitiesAdd),
				opt("drop", List|Text, "", "names, or ALL", "Capabilities that are taken.").into(&o.capabilitiesDrop),
			}
		}),
		opt("seccomp_profile", Text, "", "runtime_default, unconfined or localhost/<path>", "Filter of system calls.").ext().into(&o.seccomp),
		opt("fs_group_change_policy", Text, "Always", "", "When the owner of volumes is changed.").ext().words("Always", "OnRootMismatch").into(&o.fsGroupChange),
		opt("run_as_user_name", Text, "", "a user of the image", "User of the processes on Windows nodes.").ext().into(&o.userName),
	}
}
