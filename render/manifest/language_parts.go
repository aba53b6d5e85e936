package manifest

// rawPort holds one entry of ports written as a mapping.
type rawPort struct{ container, http, https, tcp, udp *node }

func (p *rawPort) options() []Option {
	number := "1 to 65535"
	return []Option{
		opt("container", Integer, "the only other number", number, "Port that the process listens on.").into(&p.container),
		opt("http", Integer, "", number, "Outside port for HTTP.").into(&p.http),
		opt("https", Integer, "", number, "Outside port for HTTPS.").into(&p.https),
		opt("tcp", Integer, "", number, "Outside port for TCP.").into(&p.tcp),
		opt("udp", Integer, "", number, "Outside port for UDP.").into(&p.udp),

		no("port", "write container:"),
		no("target", "write container:"),
		no("published", "write http:, https:, tcp: or udp:"),
	}
}

// rawProbe holds one block of health.
type rawProbe struct {
	kind, endpoint, port, headers, command *node
	delay, period, timeout                 *node
	success, failure                       *node
}

// options is the table of spec 2.12.
func (p *rawProbe) options() []Option {
	return []Option{
		opt("type", Text, "http", "", "What is tried.").words("http", "https", "tcp", "exec").into(&p.kind),
		opt("endpoint", Text, "/", "a path that starts with /", "Path that is asked.").into(&p.endpoint),
		opt("port", Integer, "the first container port", "a declared container port", "Port that is tried.").into(&p.port),
		opt("http_headers", List, "[]", "a list of {name, value}", "Headers of the request.").keys(new(rawHeader).options).into(&p.headers),
		opt("command", Text|List, "", "words, a shell line or a list", "Command that must succeed.").into(&p.command),
		opt("initial_delay", Text, "1", "seconds", "Wait before the first try.").into(&p.delay),
		opt("period", Text, "5", "1 second or more", "Time between tries.").into(&p.period),
		opt("timeout", Text, "5", "1 second or more", "Longest wait for an answer.").into(&p.timeout),
		opt("success_threshold", Integer, "1", "1 or more", "Successes in a row that make it good.").into(&p.success),
		opt("failure_threshold", Integer, "1; startup: 30", "1 or more", "Failures in a row that make it bad.").into(&p.failure),

		no("protocol", "write type:"),
		no("path", "write endpoint:"),
		no("accept", "remove it; any status from 200 to 399 is good"),
		no("interval", "write period:"),
		no("retries", "write failure_threshold:"),
	}
}

// rawHeader holds one entry of http_headers.
type rawHeader struct{ name, value *node }

func (h *rawHeader) options() []Option {
	return []Option{
		opt("name", Text, "", "", "Name of the header.").into(&h.name),
		opt("value", Text, "", "", "Value of the header.").into(&h.value),
	}
}

// rawCheck holds health in the form of version 1.
type rawCheck struct{ kind, endpoint, protocol, timeout, accept *node }

func (c *rawCheck) options() []Option {
	return []Option{
		opt("type", Text, "inbound", "", "Who asks whom.").words("inbound", "outbound").translated().into(&c.kind),
		opt("endpoint", Text, "/", "a path that starts with /", "Path that is asked.").translated().into(&c.endpoint),
		opt("protocol", Text, "http", "", "Protocol.").words("http", "https").translated().into(&c.protocol),
		opt("timeout", Text, "30s", "seconds", "Time for the container to start.").translated().into(&c.timeout),
		opt("accept", List|Text, "200, 300-399", "codes and ranges", "Good answers.").translated().into(&c.accept),
	}
}
