package manifest

import (
	"strings"

	"rondo.dev/rondo/render"
)

// settings holds what docker.configuration says, and the components of
// applications without containers (spec 1.7).
type settings struct {
	keep, keepOld *node // image_keep_count and its older name
	logs          *node
	check         *node // activeprotect.health_check
	native        *node // health_check
}

// component is the table of docker, rails, rack, sinatra, padrino and node.
func (s *settings) component() []Option {
	return append(placement(external),
		opt("configuration", Mapping, "", "a mapping", "Settings.").keys(s.configuration).checked(networks))
}

// networks tells what AWS would refuse (spec 1.7).
func networks(r *reader, n *node, p place) {
	if vpc := n.get("vpc_id"); vpc != nil && n.get("subnet_id").isNull() {
		r.fault(vpc, p.key("vpc_id"), "W-NOT-APPLICABLE", "has no effect here, and on AWS needs a subnet_id beside it", "remove it; the cluster has its own servers")
	}
}

// kubernetesVersion compares what the manifest was written for with the cluster.
func kubernetesVersion(r *reader, n *node, p place) {
	major, rest, _ := strings.Cut(strings.TrimPrefix(n.text, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, okA := digits(major)
	b, okB := digits(minor)
	if !okA || !okB || a < 1 || b < 0 {
		r.fault(n, p, "E-VALUE", "is no version of Kubernetes", "write a version such as 1.30, in quotes, or remove it")
		return
	}
	have := strings.TrimPrefix(r.o.Facts.ClusterVersion, "v")
	if want := itoa(int(a)) + "." + itoa(int(b)); have != "" && have != want && !strings.HasPrefix(have, want+".") {
		r.fault(n, p, "W-NOT-APPLICABLE", "differs from the version of the cluster, %s", "remove it, or test with "+have, have)
	}
}

func (s *settings) configuration() []Option {
	const image = "do it in the Dockerfile"
	rows := []Option{
		opt("activeprotect", Mapping, "", "a mapping", "Limits of requests, and the check after a deployment.").keys(s.activeprotect),
		opt("health_check", Mapping|Text, "", "a mapping or default", "Check during a deployment, of services without health.").
			words("default").translated().keys(new(rawNative).options).into(&s.native),
		opt("nginx", Mapping, "", "a mapping", "The reverse proxy.").later().keys(nginxOptions),
		opt("firewall", Mapping, "", "a mapping", "Openings of the firewall.").keys(func() []Option {
			return []Option{opt("create_web_rules", Bool, "true", "", "Opens exposed ports to the edge.").later("true", "yes", "on")}
		}),
		opt("image_keep_count", Integer, "2", "0 to 100", "Older revisions of a workload that are kept.").into(&s.keep),
		opt("keep_releases", Integer, "2", "0 to 100", "Older name of image_keep_count.").deprecated("write image_keep_count:").into(&s.keepOld),
		opt("include_submodules", Bool, "false", "", "Fetches submodules for builds.").later("false", "no", "off"),
		opt("kubernetes_version", Text, "", "", "Version of the cluster.").version().inapplicable("").checked(kubernetesVersion),
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
		logFiles().into(&s.logs),
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

func (s *settings) activeprotect() []Option {
	return []Option{
		opt("whitelist", Text|List, "", "addresses and ranges", "Who is never limited.").later(),
		opt("http_ban_rate", Integer, "2000", "requests a minute", "Requests allowed for one address.").later(),
		opt("health_check", Mapping|Text, "", "a mapping or default", "Asks the public addresses after a deployment.").
			words("default").keys(new(rawHealthCheck).options).into(&s.check),
	}
}

// rawHealthCheck holds activeprotect.health_check (spec 5.1.1).
type rawHealthCheck struct {
	endpoint, accept                      *node
	timeout, redirects, cooldown, retries *node
	verify, onFailure                     *node
}

func (c *rawHealthCheck) options() []Option {
	return []Option{
		opt("endpoint", Text|List, "/", "paths that start with /, or addresses of a host of the application", "What is asked.").into(&c.endpoint),
		opt("accept", Text|List, "200", "codes and ranges, as in 200 or 300-399", "Good answers.").into(&c.accept),
		opt("timeout", Integer, "5", "1 to 10 seconds", "Longest wait for an answer.").into(&c.timeout),
		opt("max_redirects", Integer, "3", "0 to 10", "Redirects followed; with 0 the redirect itself is judged.").into(&c.redirects),
		opt("cooldown", Integer, "0", "0 to 1800 seconds", "Wait between the deployment and the check.").into(&c.cooldown),
		opt("retries", Integer, "2", "0 to 10", "Further tries.").ext().into(&c.retries),
		opt("verify_certificates", Bool, "true", "", "Whether certificates are checked.").ext().into(&c.verify),
		opt("on_failure", Text, "report", "", "What a failure does.").words("report", "rollback").ext().into(&c.onFailure),
	}
}

// rawNative holds health_check of an application component (spec 5.1.2).
type rawNative struct{ protocol, host, endpoint, accept, timeout *node }

func (c *rawNative) options() []Option {
	return []Option{
		opt("protocol", Text, "http", "", "Protocol.").words("http", "https").translated().into(&c.protocol),
		opt("host", Text, "localhost", "a host name", "Host of the request.").translated().into(&c.host),
		opt("port", Integer, "80", "", "Port that was asked.").inapplicable("remove it; the first container port is asked"),
		opt("endpoint", Text, "/", "a path that starts with /", "Path that is asked.").translated().into(&c.endpoint),
		opt("accept", Text|List, "200", "codes and ranges", "Good answers.").translated().into(&c.accept),
		opt("follow_redirects", Bool, "true", "", "Whether redirects were followed.").inapplicable("remove it; redirects to the same host are followed"),
		opt("timeout", Integer, "30", "1 to 120 seconds", "Longest wait for the new version.").translated().into(&c.timeout),
	}
}

// logFiles is a row of the configuration of every component.
func logFiles() Option {
	return opt("custom_log_files", List|Text, "", "glob paths that start with /", "Log files to collect, for the collector of the cluster.").
		translated("annotation " + render.AnnotationLogPaths + " of the workloads")
}
