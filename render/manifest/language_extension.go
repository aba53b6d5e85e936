package manifest

// extensionOptions are the keys of the first level that rondo adds.
func extensionOptions() []Option {
	rows := []Option{
		opt("app", Mapping, "", "a mapping", "Protection of the application.").keys(func() []Option {
			return []Option{opt("protected", Bool, "false", "", "Refuses deletion and scaling down.")}
		}),
		opt("edge", Mapping, "", "a mapping", "What serves outside traffic.").keys(edgeOptions),
		opt("traffic", Mapping, "", "a mapping", "Filters and rules.").keys(trafficOptions),
		opt("tls", List|Mapping, "", "a list", "Certificates.").keys(tlsOptions),
		opt("maintenance", Mapping, "", "a mapping", "Maintenance mode.").keys(maintenanceOptions),
		opt("jobs", Mapping, "", "a mapping of job names", "Scheduled and on-demand commands.").named(jobOptions),
		opt("backups", List|Mapping, "", "a list or a mapping", "Backups of databases.").named(backupOptions),
		opt("previews", Mapping, "", "a mapping", "Environments of pull requests.").keys(previewOptions),
		opt("continuous_deployment", Mapping, "", "a mapping", "Which pushes deploy.").keys(deploymentOptions),
		opt("approval", Mapping, "", "a mapping", "Who must agree to a deployment.").keys(func() []Option {
			return []Option{
				opt("mode", Text, "none", "", "Who approves.").words("none", "anyone", "members"),
				opt("members", List, "", "", "Who may approve."),
			}
		}),
		opt("rollout", Mapping, "", "a mapping", "Blue-green, canary, and what a failure does.").keys(rolloutOptions),
		opt("isolation", Mapping|Text, "open", "a mapping, or open, managed or strict", "Who may reach the services.").keys(func() []Option {
			return []Option{
				opt("mode", Text, "open", "", "How far.").words("open", "managed", "strict"),
				opt("allow_from", List, "", "", "Applications that may."),
				opt("harden", Bool, "false", "", "Tightens security contexts."),
			}
		}).inert("open"),
		opt("config_store", Mapping, "", "a mapping", "Shared values.").keys(func() []Option {
			return []Option{opt("share_with", List, "", "", "Applications that may read.")}
		}),
		opt("secrets", Mapping, "", "a mapping", "Secret files.").keys(func() []Option {
			return []Option{opt("mount", Bool, "false", "", "Mounts them into containers.")}
		}),
		opt("stackscore", Mapping, "", "a mapping", "Settings of the score."),
		opt("deploy_hooks", Mapping, "", "a mapping of hook points", "Commands around a deployment.").named(hookOptions),
		opt("profiles", Mapping, "", "a mapping of profile names", "Named sets of deployment settings.").named(profileOptions),
	}
	for i := range rows {
		inert := rows[i].Inert
		rows[i] = rows[i].ext().later(inert...)
	}
	return rows
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

func backupOptions() []Option {
	return []Option{
		opt("component", Text, "all", "", "What is backed up."),
		opt("schedule", Text, "hourly", "cron", "When."),
		opt("keep", Integer, "100", "1 to 1000", "Copies kept."),
		opt("kind", Text, "managed", "", "Where it goes.").words("managed", "unmanaged"),
		opt("type", Text, "text", "", "Dump or physical copy.").words("text", "binary"),
		opt("gzip", Bool, "true", "", "Compression."),
		opt("exclude_tables", List|Text, "[]", "", "Tables left out."),
		opt("run_on_replica", Bool, "true", "", "Uses a replica."),
		opt("encrypt_with", Text, "", "", "Key."),
		opt("pre_backup_command", Text, "", "", "Runs before."),
		opt("post_backup_command", Text, "", "", "Runs after."),
		opt("verify", Text, "auto", "", "Test of the copy."),
		opt("check_size", Bool, "true", "", "Checks free space."),
	}
}

func previewOptions() []Option {
	return []Option{
		opt("kind", Text, "none", "", "What gets a preview.").words("none", "branches", "tags", "pull_requests"),
		opt("match", List|Text, "", "globs", "Which ones."),
		opt("base", List|Text, "any", "globs", "Target branches."),
		opt("share_databases", Bool|List, "true", "", "Uses the parent's databases."),
		opt("share_environment", Bool, "true", "", "Copies variables."),
		opt("services", List, "", "", "Services to deploy."),
		opt("run_migrations", Bool, "", "", "Runs deploy_command."),
		opt("domain", Text, "", "*.suffix", "Host names."),
		opt("ttl", Text, "none", "", "Removed when idle this long."),
		opt("max", Integer, "20", "", "Most at a time."),
	}
}

func deploymentOptions() []Option {
	return []Option{
		opt("enabled", Bool, "true", "", "Whether a push deploys."),
		opt("branch", Text, "", "", "Branch."),
		opt("paths", List, "", "globs", "Files that matter."),
		opt("ignore_paths", List, "", "globs", "Files that do not."),
		opt("wait_for_checks", Bool, "false", "", "Waits for other statuses."),
		opt("skip_marker", Text, "[skip deploy]", "", "Words that skip a push."),
		opt("schedule_window", Text|List, "", "", "Allowed times."),
	}
}

func rolloutOptions() []Option {
	return []Option{
		opt("strategy", Text, "none", "", "How.").words("none", "blue_green_immediate", "blue_green_delayed", "canary"),
		opt("percentage", Integer, "", "", "Share of the canary."),
		opt("update_percentage", Integer, "", "", "Later share of the canary."),
		opt("rollback_window", Text, "", "", "How long the old set stays."),
		opt("on_failure", Text, "hold", "", "What a failure does.").words("hold", "revert", "rollback"),
		opt("supersede", Bool, "false", "", "Whether a newer one may replace an open one."),
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

func profileOptions() []Option {
	return []Option{
		opt("services", Mapping, "", "build, publish or skip for each", "What is done with each service."),
		opt("strategy", Text, "parallel", "", "How.").words("parallel", "fast"),
		opt("pause_jobs", Bool, "", "", "Suspends jobs."),
		opt("upgrades", Bool, "", "", "Applies upgrades."),
		opt("run_deploy_command", Bool, "", "", "Runs deploy_command."),
	}
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

func gatewayOptions() []Option {
	return append(placement(nil), opt("name", Text, "", "", "Name."), opt("username", Text, "", "", "User."))
}

func customOptions() []Option {
	return append(placement(nil), opt("configuration", Mapping, "", "", "Settings."))
}

func experimentOptions() []Option {
	return []Option{opt("docker_storage", Text, "", "", "Storage driver.").words("overlay")}
}
