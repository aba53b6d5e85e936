package manifest

// hookPoint is a moment of a deployment at which hooks run (spec 5.2).
type hookPoint struct {
	name   string
	moment Moment
	engine string // of before_<engine> and after_<engine>
	hint   string // what to use where the point does not exist here
}

// hookPoints lists all points, in the order in which they are reached.
func hookPoints() []hookPoint {
	points := []hookPoint{{name: "first_thing", moment: FirstThing}}
	engines := []string{"redis", "mysql", "postgresql", "mongodb", "elasticsearch", "rabbitmq", "glusterfs", "influxdb"}
	frameworks := []string{"rails", "rack", "sinatra", "padrino"}
	group := func(moment Moment, names ...string) {
		for _, name := range names {
			points = append(points, hookPoint{name: name, moment: moment})
		}
	}
	for _, e := range engines {
		points = append(points, hookPoint{name: "before_" + e, moment: BeforeData, engine: e})
	}
	for _, e := range engines {
		points = append(points, hookPoint{name: "after_" + e, moment: AfterData, engine: e})
	}
	group(BeforeServices, "after_checkout")
	for _, f := range frameworks {
		group(BeforeServices, "before_"+f)
	}
	group(BeforeRestart, "before_processes", "before_restart")
	group(BeforeEdge, "before_nginx", "before_haproxy")
	group(AfterServices, "after_symlink")
	for _, f := range frameworks {
		group(AfterServices, "after_"+f)
	}
	group(AfterServices, "after_processes", "after_nginx", "after_haproxy", "last_thing")

	for _, name := range []string{"glusterfs_config", "redis_replication", "mongodb_replication", "mysql_replication", "postgresql_replication"} {
		for _, when := range []string{"before_", "after_"} {
			points = append(points, hookPoint{name: when + name, hint: "remove it; nothing is replicated by hand here"})
		}
	}
	for _, name := range []string{"before_agent", "after_agent", "before_data_mount", "after_data_mount", "custom_server", "before_node", "after_node",
		"before_docker", "after_docker", "after_bundle"} {
		points = append(points, hookPoint{name: name, hint: "do it in the Dockerfile; there are no servers to set up"})
	}
	return points
}

// hookTable holds the hooks of one mapping of hook points. In the table of
// options a point is a name below deploy_hooks, like that of a job: every point
// has the same options, and there are sixty.
type hookTable struct{ at []*node } // as hookPoints has them

func (h *hookTable) options() []Option {
	points := hookPoints()
	h.at = make([]*node, len(points))
	rows := make([]Option, len(points))
	for i, p := range points {
		rows[i] = opt(p.name, List|Mapping, "", "a list of hooks", "Hooks that run at this moment of a deployment.").keys(new(rawHook).options)
		if p.hint != "" {
			rows[i] = rows[i].inapplicable(p.hint)
		} else {
			rows[i] = rows[i].into(&h.at[i])
		}
	}
	return rows
}

// rawHook holds one hook.
type rawHook struct {
	snippet, command, inline, source *node
	target, service, name            *node
	execute, executable, parse       *node
	destination, variables           *node
	during, halt, on, user, sudo     *node
}

func (h *rawHook) options() []Option {
	return []Option{
		opt("snippet", Text, "", "", "A published script.").rejected("E-HOOK-SNIPPET", "commit the script, and name it in source:").into(&h.snippet),
		opt("command", Text|List, "", "words, a shell line or a list", "What runs.").into(&h.command),
		opt("inline", Text, "", "a script", "Script that runs.").into(&h.inline),
		opt("source", Text, "", "path in the repository", "Script of the repository that runs.").into(&h.source),
		opt("target", Text, "", "any, docker, rails, an engine, or service:<name>", "Whose image runs it.").into(&h.target),
		opt("service", Text, "the first that is built", "service name", "Service whose image runs a hook for any, docker or a framework.").ext().into(&h.service),
		opt("name", Text, "its number", "letters, digits, - and _", "Name of the hook.").into(&h.name),
		opt("execute", Bool, "false; command: true", "true or false", "Whether it runs, or is only a file for later hooks.").into(&h.execute),
		opt("executable", Bool, "as execute", "true or false", "Whether the file may be run.").into(&h.executable),
		opt("parse", Bool, "true", "true or false", "Whether <%= ENV['NAME'] %> in the script is filled in.").into(&h.parse),
		opt("destination", Text, "/tmp/deploy_hooks/<name>", "absolute path of a file or a folder", "Where the script is put.").into(&h.destination),
		opt("env_vars", Mapping, "{}", "a mapping of NAME: value", "Variables of the hook alone.").into(&h.variables),
		opt("apply_during", Text, "all", "", "Which deployments it belongs to: those until one has succeeded, the later ones, or all.").
			words("all", "build_only", "deploy_only").into(&h.during),
		opt("halt_on_error", Bool, "true", "true or false", "Whether a failure ends the deployment.").into(&h.halt),
		opt("run_on", Text, "single_server", "", "Whether it runs once, or on each node.").words("single_server", "all_servers").into(&h.on),
		opt("run_as", Text, "the image's own", "number of a user", "User that runs it.").into(&h.user),
		opt("sudo", Bool, "false", "true or false", "Whether root runs it.").into(&h.sudo),
		opt("owner", Text, "", "", "Owner of the file.").inapplicable("remove it; the file can be read by every user"),
	}
}
