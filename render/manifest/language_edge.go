package manifest

// Tables of spec sections 4 and 5 that configure traffic. Nothing here is built
// yet: the rows exist so that a key is recognised, and misspelt ones are not.

func nginxOptions() []Option {
	return []Option{
		opt("cors", Mapping|Bool, "", "true or a mapping", "Cross-origin requests.").keys(func() []Option {
			return []Option{
				opt("origin", Text|List, "*", "*, an origin or several", "Origins that may ask."),
				opt("methods", Text|List, "GET, OPTIONS", "", "Methods that they may use."),
				opt("headers", Text|List, "the requested ones", "", "Headers that they may send."),
				opt("credentials", Bool, "false", "", "Whether cookies go along."),
			}
		}),
		opt("precompiled_url", Text, "", "", "Address of a compiled nginx.").inapplicable(""),
		opt("extra_build_arguments", Text, "", "", "Arguments of nginx's build.").inapplicable(""),
		opt("perfect_forward_secrecy", Bool, "", "", "Modern ciphers, which are always on.").inapplicable(""),
		opt("client_max_body_size", Text, "50m", "", "Largest request.").ext(),
		opt("read_timeout", Text, "60s", "", "Longest wait for an answer.").ext(),
	}
}

func loadBalancerOptions() []Option {
	return append(placement((*reader).undescribed),
		opt("groups", Mapping, "", "a mapping", "Several load balancers.").later(),
		opt("configuration", Mapping, "", "a mapping", "Settings.").keys(balancerConfiguration))
}

func balancerConfiguration() []Option {
	rows := []Option{
		opt("balance", Text, "roundrobin", "", "How requests are spread.").
			words("roundrobin", "leastconn", "source", "NONE", "CLIENT_IP", "CLIENT_IP_PROTO", "round_robin", "least_connections",
				"ROUND_ROBIN", "RANDOM", "LEAST_CONNECTIONS", "SOURCE_IP").later("roundrobin", "round_robin", "ROUND_ROBIN", "NONE"),
		opt("httpchk", Text, "HEAD / HTTP/1.1", "a path or a request", "Check of the servers.").later().hint("use health of the service"),
		opt("haproxy_username", Text, "", "", "User of the statistics page.").later(),
		opt("haproxy_password", Text, "", "", "Password of the statistics page.").later(),
		opt("wait_after_adding_servers", Integer, "0", "seconds", "Pause after pods were added.").later("0"),
		opt("wait_after_removing_servers", Integer, "0", "seconds", "Pause after pods were taken out.").later("0"),
		opt("alb_ssl_policy", Text, "", "policy name", "TLS policy on AWS.").later(),
		opt("elb_ssl_policy", Text, "", "policy name", "TLS policy on AWS.").later(),
	}
	for _, code := range []string{"400", "401", "403", "404", "405", "407", "408", "410", "413", "425", "429", "500", "501", "502", "503", "504"} {
		rows = append(rows, opt("errorfile_"+code, Text, "", "path", "Page for status "+code+".").later())
	}
	return append(rows, serverSettings()...)
}

func edgeOptions() []Option {
	return []Option{
		opt("mode", Text, "", "", "What serves outside traffic.").words("nginx", "haproxy", "haproxy+nginx", "ingress", "gateway", "cloud"),
		opt("class", Text, "", "", "Ingress class."),
		opt("dialect", Text, "", "", "Annotations to write."),
		opt("dedicated", Bool, "false", "", "An edge for this application alone."),
		opt("drain_delay", Text, "5s", "", "Pause before a pod stops."),
		opt("websocket_ports", Bool, "false", "", "Opens 8080 and 8443."),
		opt("nginx", Mapping, "", "", "The daemon's own nginx."),
	}
}

func trafficOptions() []Option {
	return []Option{
		opt("allow", List, "", "", "Who alone may connect."),
		opt("block", List, "", "", "Who may not connect."),
		opt("load_balancer_only", Bool, "false", "", "Refuses what did not come through the balancer."),
		opt("exceptions", List, "", "", "Exceptions of load_balancer_only."),
		opt("default_host", Text|Mapping, "", "", "Requests for unknown hosts."),
		opt("headers", Mapping, "", "", "Headers of answers."),
		opt("waf", Mapping, "", "", "Web application firewall."),
		opt("rules", List, "", "", "Redirects, rewrites and blocks.").keys(func() []Option {
			return []Option{
				opt("name", Text, "", "", "Name."), opt("when", Text, "", "", "Condition."),
				opt("status", Text, "live", "", "Whether it acts.").words("live", "test"),
				opt("redirect", Mapping, "", "", "Redirect."), opt("rewrite", Mapping, "", "", "Rewrite."),
				opt("block", Mapping, "", "", "Block."), opt("headers", Mapping, "", "", "Headers."),
			}
		}),
	}
}

func tlsOptions() []Option {
	return []Option{
		opt("kind", Text, "standard", "", "Kind of certificate.").words("standard", "wildcard", "external", "none"),
		opt("hosts", List|Text, "", "", "Names on the certificate."),
		opt("issuer", Text, "", "", "ClusterIssuer."),
		opt("secret", Text, "", "", "Secret of the certificate."),
		opt("external", Mapping, "", "", "A certificate of one's own."),
		opt("dns_provider", Text, "", "", "Solver of dns-01."),
		opt("redirect", Bool, "false", "", "HTTP to HTTPS."),
		opt("min_version", Text, "1.2", "", "Oldest TLS version.").version(),
		opt("hsts", Mapping|Bool, "", "", "Strict transport security."),
	}
}

func maintenanceOptions() []Option {
	return []Option{
		opt("enabled", Bool, "false", "", "Answers 503 everywhere."),
		opt("page", Text, "", "path", "Page shown."),
		opt("allow", List|Text, "", "", "Who passes."),
		opt("retry_after", Text, "", "", "Retry-After."),
	}
}
