package manifest

// commandOptions holds the commands of a service that run around a deployment
// or at the start of each Pod (spec 2.8).
type commandOptions struct{}

func (o *commandOptions) rows() []Option {
	return []Option{
		opt("build_command", Text, "", "shell line", "Runs once, before the first deployment.").later().hint("run it by hand once"),
		opt("deploy_command", Text, "", "shell line", "Runs on every deployment, before new pods.").later(),
		opt("init", List, "", "a list", "Steps at the start of each pod.").ext().later(),
	}
}

func jobOptions() []Option {
	return []Option{
		opt("service", Text, "", "service name", "Service whose image runs."),
		opt("command", Text, "", "shell line", "What runs."),
		opt("schedule", Text, "on demand", "cron", "When."),
		opt("time_zone", Text, "Etc/UTC", "", "Time zone of the schedule."),
		opt("paused", Bool, "false", "", "Whether it is suspended."),
		opt("pause_during_deploy", Bool, "false", "", "Whether a deployment suspends it."),
		opt("concurrency", Text, "forbid", "", "What a second run does."),
		opt("deadline", Text, "200s", "", "Latest start."),
		opt("timeout", Text, "", "", "Longest run."),
		opt("retries", Integer, "0", "", "Further tries."),
		opt("args", List, "[]", "", "Positional parameters."),
		opt("keep", Integer, "3", "", "Finished runs kept."),
	}
}

func hookOptions() []Option {
	rows := []Option{}
	for _, name := range []string{"snippet", "command", "inline", "source", "target", "destination", "owner", "apply_during", "run_on", "run_as", "name", "service"} {
		rows = append(rows, opt(name, Text, "", "", "Part of a deploy hook."))
	}
	for _, name := range []string{"execute", "executable", "parse", "halt_on_error", "sudo"} {
		rows = append(rows, opt(name, Bool, "", "", "Part of a deploy hook."))
	}
	return append(rows, opt("env_vars", Mapping, "", "", "Variables of the hook."))
}

func processOptions() []Option {
	return []Option{
		opt("stop_sequence", Text, "term, 90, kill", "", "Signals and pauses of a stop."),
		opt("restart_signal", Text, "", "", "Signal of a restart.").inapplicable(""),
		opt("restart_on_deploy", Bool, "true", "", "Whether a deployment restarts it."),
	}
}

func procfileOptions() []Option {
	return []Option{opt("import", Bool, "false", "", "Makes a service of each line.")}
}

// commandDocument holds the jobs, hooks and processes of an application (spec 2.17, 5.2, 5.3).
type commandDocument struct{}

func (d *commandDocument) rows() []Option {
	return []Option{
		opt("jobs", Mapping, "", "a mapping of job names", "Scheduled and on-demand commands.").named(jobOptions).ext().later(),
		opt("deploy_hooks", Mapping, "", "a mapping of hook points", "Commands around a deployment.").named(hookOptions).ext().later(),
		opt("procfile_metadata", Mapping, "", "a mapping of process names", "Signals of processes.").
			later().hint("use stop_grace of the service").named(processOptions),
		opt("procfile", Mapping, "", "a mapping", "Turns a Procfile into services.").ext().later().keys(procfileOptions),
	}
}
