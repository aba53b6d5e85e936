package manifest

// commandOptions holds the commands of a service that run around a deployment
// or at the start of each Pod (spec 2.8).
type commandOptions struct{ build, deploy, init *node }

func (o *commandOptions) rows(to []Option) []Option {
	return append(to,
		opt("build_command", Text|List, "", "words, a shell line or a list", "Runs before the first deployment, and again until one has succeeded.").into(&o.build),
		opt("deploy_command", Text|List, "", "words, a shell line or a list", "Runs on every deployment, before new pods.").into(&o.deploy),
		opt("init", List|Text, "[]", "a list of commands, or of {name, command, image}", "Commands that run one after the other at the start of each pod.").
			ext().keys(new(rawInit).options).into(&o.init),
	)
}

// rawInit holds one entry of init written as a mapping.
type rawInit struct{ name, command, image *node }

func (i *rawInit) options() []Option {
	return []Option{
		opt("name", Text, "<service>-init-<n>", "lower-case letters, digits and -", "Name of the container.").into(&i.name),
		opt("command", Text|List, "the image's own", "words, a shell line or a list", "What runs.").into(&i.command),
		opt("image", Text, "that of the service", "[host[:port]/]repo[:tag][@digest]", "Image that it runs in.").into(&i.image),
	}
}

// rawJob holds one entry of jobs.
type rawJob struct {
	service, command, args         *node
	schedule, zone                 *node
	paused, pausing                *node
	concurrency, deadline, timeout *node
	retries, keep                  *node
}

// options is the table of spec 2.17.
func (j *rawJob) options() []Option {
	return []Option{
		opt("service", Text, "", "service name", "Service whose image, variables and volumes it has.").into(&j.service),
		opt("command", Text, "", "shell line", "What runs, in a shell.").into(&j.command),
		opt("schedule", Text, "on demand", "five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly", "When it runs.").into(&j.schedule),
		opt("time_zone", Text, "Etc/UTC", "Europe/Berlin", "Time zone of the schedule.").into(&j.zone),
		opt("paused", Bool, "false", "true or false", "Whether it is suspended.").into(&j.paused),
		opt("pause_during_deploy", Bool, "false", "true or false", "Whether it is suspended while a deployment runs.").into(&j.pausing),
		opt("concurrency", Text, "forbid", "", "What a run does that would begin before the last has ended.").words("forbid", "allow", "replace").into(&j.concurrency),
		opt("deadline", Text, "200s", "10 seconds or more", "Latest start after the scheduled time.").into(&j.deadline),
		opt("timeout", Text, "none", "1 second or more", "Longest run.").into(&j.timeout),
		opt("retries", Integer, "0", "0 to 100", "Further tries of a run that fails.").into(&j.retries),
		opt("args", List, "[]", "a list of text", "Positional parameters of the command: $1, $2 and so on.").into(&j.args),
		opt("keep", Integer, "3", "0 to 100", "Finished runs that are kept, of successful and of failed ones.").into(&j.keep),
	}
}

// rawProcess holds one entry of procfile_metadata.
type rawProcess struct{ stop, restart, stopOld *node }

// options is the table of spec 5.3.
func (p *rawProcess) options() []Option {
	return []Option{
		opt("stop_sequence", Text|List, "term, 90, kill", "signals and seconds, as in quit, 75, term, 15, kill", "Signals and pauses of a stop.").translated().into(&p.stop),
		opt("restart_signal", Text, "", "signal", "Signal of a restart.").inapplicable("remove it; pods are replaced, never signalled"),
		opt("restart_on_deploy", Bool, "that of the service", "true or false", "Whether a deployment restarts it; the service's own wins.").into(&p.restart),
		opt("web_server_stop_signals", Text|List, "", "signals and seconds", "Older form of stop_sequence.").deprecated("write stop_sequence").into(&p.stopOld),
	}
}

// commandDocument holds the jobs, hooks and processes of an application (spec 2.17, 5.2, 5.3).
type commandDocument struct{ jobs, hooks, processes, importing *node }

func (d *commandDocument) rows() []Option {
	return []Option{
		opt("jobs", Mapping, "", "a mapping of job names", "Scheduled and on-demand commands.").named(new(rawJob).options).ext().into(&d.jobs),
		opt("deploy_hooks", Mapping, "", "a mapping of hook points", "Commands around a deployment.").ext().named(new(rawHook).options).into(&d.hooks),
		opt("procfile_metadata", Mapping, "", "a mapping of process names", "How processes stop and restart; for services of the same name.").
			named(new(rawProcess).options).into(&d.processes),
		opt("procfile", Mapping, "", "a mapping", "What is done with a Procfile.").ext().keys(func() []Option {
			return []Option{opt("import", Bool, "false", "true or false", "Makes a service of each line, where there is no services:.").into(&d.importing)}
		}),
	}
}
