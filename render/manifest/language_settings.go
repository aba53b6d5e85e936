package manifest

// settings holds what docker.configuration says, and the components of
// applications without containers (spec 1.7).
type settings struct{}

// component is the table of docker, rails, rack, sinatra, padrino and node.
func (s *settings) component() []Option {
	return append(placement(external),
		opt("configuration", Mapping, "", "a mapping", "Settings.").keys(s.configuration))
}

func (s *settings) configuration() []Option {
	const image = "do it in the Dockerfile"
	rows := []Option{
		opt("activeprotect", Mapping, "", "a mapping", "Limits of requests, and the check after a deployment.").later().keys(activeprotectOptions),
		opt("health_check", Mapping|Text, "", "a mapping or default", "Check during a deployment.").later().hint("use health of the service").keys(railsCheckOptions),
		opt("nginx", Mapping, "", "a mapping", "The reverse proxy.").later().keys(nginxOptions),
		opt("firewall", Mapping, "", "a mapping", "Openings of the firewall.").keys(func() []Option {
			return []Option{opt("create_web_rules", Bool, "true", "", "Opens exposed ports to the edge.").later("true", "yes", "on")}
		}),
		opt("image_keep_count", Integer, "2", "", "Images kept besides the running one.").later(),
		opt("keep_releases", Integer, "5", "", "Older name of image_keep_count.").later().hint("use image_keep_count"),
		opt("include_submodules", Bool, "false", "", "Fetches submodules for builds.").later("false", "no", "off"),
		opt("kubernetes_version", Text, "", "", "Version of the cluster.").version().inapplicable(""),
		opt("docker_version", Text, "", "", "Version of Docker.").version().inapplicable(""),
		opt("version", Text, "", "", "Version of Docker.").version().inapplicable(""),
		opt("weave_version", Text, "", "", "Version of Weave.").version().inapplicable(""),
		opt("network", Mapping, "", "a mapping", "Network of the servers.").inapplicable("").keys(func() []Option {
			return []Option{
				opt("mode", Text, "private", "", "Network that containers use.").words("private", "public").inapplicable(""),
				opt("container_ip_range", Text, "25.0.0.0/16", "CIDR", "Addresses of containers.").inapplicable(""),
			}
		}),
		opt("nameservers", List, "[]", "addresses", "Name servers.").inapplicable(""),
		opt("custom_log_files", List, "", "glob paths", "Log files to collect.").later(),
	}
	rows = append(rows, serverSettings()...)
	for _, name := range []string{"operating_system", "cloud_image"} {
		rows = append(rows, opt(name, Text, "", "", "Image of the servers.").inapplicable(""))
	}
	for _, name := range []string{"ruby_version", "node_version", "locked_passenger_version"} {
		rows = append(rows, opt(name, Text, "", "", "Language installed on servers.").version().inapplicable(image))
	}
	for _, name := range []string{"memory_allocator", "passenger_process_memory", "reserved_server_memory"} {
		rows = append(rows, opt(name, Text, "", "", "Set-up of servers.").inapplicable(image))
	}
	for _, name := range []string{"asset_pipeline_precompile", "do_initial_db_schema_load", "tamper_with_yml"} {
		rows = append(rows, opt(name, Bool, "", "", "A step on servers.").inapplicable(image))
	}
	return append(rows, opt("bundler", Mapping, "", "a mapping", "Options of bundler.").inapplicable(image))
}
