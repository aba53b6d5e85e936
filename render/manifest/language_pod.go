package manifest

// Tables of parts of a service that are not built yet.

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

// volumeOptions leaves out the volume sources of Kubernetes in snake case, of
// which it names the usual ones.
func volumeOptions() []Option {
	rows := []Option{
		opt("name", Text, "v<index>", "", "Name of the volume.").ext(),
		opt("mount_path", Text, "", "", "Path in the container."),
		opt("read_only", Bool, "false", "", "Forbids writing."),
		opt("sub_path", Text, "", "", "Path inside the volume."),
		opt("sub_path_expr", Text, "", "", "Path with variables."),
		opt("mount_propagation", Text, "None", "", "Propagation.").words("None", "HostToContainer", "Bidirectional"),
		opt("persistent", Mapping, "", "size, storage_class, access_modes, retain", "A volume claim.").ext(),
	}
	for _, name := range []string{"host_path", "secret", "config_map", "empty_dir", "nfs", "persistent_volume_claim", "projected", "csi", "downward_api", "ephemeral"} {
		rows = append(rows, opt(name, Mapping, "", "", "Volume source."))
	}
	return rows
}
