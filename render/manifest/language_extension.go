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
		opt("previews", Mapping, "", "a mapping", "Environments of pull requests.").keys(previewOptions),
		opt("continuous_deployment", Mapping, "", "a mapping", "Which pushes deploy.").keys(deploymentOptions),
		opt("approval", Mapping, "", "a mapping", "Who must agree to a deployment.").keys(func() []Option {
			return []Option{
				opt("mode", Text, "none", "", "Who approves.").words("none", "anyone", "members"),
				opt("members", List, "", "", "Who may approve."),
			}
		}),
		opt("rollout", Mapping, "", "a mapping", "Blue-green, canary, and what a failure does.").keys(rolloutOptions),
		opt("stackscore", Mapping, "", "a mapping", "Settings of the score."),
		opt("profiles", Mapping, "", "a mapping of profile names", "Named sets of deployment settings.").named(profileOptions),
	}
	for i := range rows {
		inert := rows[i].Inert
		rows[i] = rows[i].ext().later(inert...)
	}
	return rows
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

func profileOptions() []Option {
	return []Option{
		opt("services", Mapping, "", "build, publish or skip for each", "What is done with each service."),
		opt("strategy", Text, "parallel", "", "How.").words("parallel", "fast"),
		opt("pause_jobs", Bool, "", "", "Suspends jobs."),
		opt("upgrades", Bool, "", "", "Applies upgrades."),
		opt("run_deploy_command", Bool, "", "", "Runs deploy_command."),
	}
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
