package workload

import (
	"rondo.dev/rondo/render/manifest"
)

// container makes the one container of a Pod of svc, without what only a Pod
// that serves has: see serves.
func (m *maker) container(svc manifest.Service, e *environment) map[string]any {
	c := map[string]any{"name": svc.Name, "image": svc.Image}
	if image, built := m.images[svc.RawName]; built {
		c["image"] = image
	}
	for field, words := range map[string][]string{"command": svc.Command, "args": svc.Pod.Args} {
		if words != nil {
			c[field] = expanded(words, e)
		}
	}
	if svc.Pod.WorkDir != "" {
		c["workingDir"] = svc.Pod.WorkDir
	}
	if svc.Pod.PullPolicy != "" {
		c["imagePullPolicy"] = svc.Pod.PullPolicy
	}
	c["envFrom"] = m.envFrom(svc, e)
	if len(e.env) > 0 {
		c["env"] = e.env
	}
	if r := resources(svc.Resources); len(r) > 0 {
		c["resources"] = r
	}
	return c
}

// serves adds ports, probes and life cycle to a container of svc.
func (m *maker) serves(svc manifest.Service, e *environment, c map[string]any) {
	var ports []any
	for _, p := range containerPorts(svc) {
		port := map[string]any{"name": p.name, "containerPort": int64(p.number), "protocol": p.protocol}
		if p.host > 0 {
			port["hostPort"] = int64(p.host)
		}
		ports = append(ports, port)
	}
	if len(ports) > 0 {
		c["ports"] = ports
	}
	if l := m.lifecycle(svc, e); len(l) > 0 {
		c["lifecycle"] = l
	}
	for field, p := range map[string]*manifest.Probe{
		"readinessProbe": svc.Ready, "livenessProbe": svc.Alive, "startupProbe": svc.Startup,
	} {
		if p != nil {
			c[field] = m.probe(svc, *p, e)
		}
	}
}

// envFrom lists where the variables of svc come from; a later one wins.
func (m *maker) envFrom(svc manifest.Service, e *environment) []any {
	var from []any
	add := func(kind, name string, optional bool) {
		ref := map[string]any{"name": name}
		if optional {
			ref["optional"] = true
		}
		from = append(from, map[string]any{kind: ref})
	}
	if len(m.common.config) > 0 {
		add("configMapRef", m.sharedConfig(), false)
	}
	// Where the manifest has none, somebody may have made one by hand.
	add("secretRef", m.sharedSecret(), len(m.common.secret) == 0)
	if len(e.own.config) > 0 {
		add("configMapRef", ownSettings(svc), false)
	}
	if len(e.own.secret) > 0 {
		add("secretRef", ownSettings(svc), false)
	}
	return from
}

// resources renders requests and limits. A missing request is the limit, as
// Kubernetes would have it.
func resources(r manifest.Resources) map[string]any {
	out := make(map[string]any)
	set := func(kind, name, quantity string) {
		if quantity == "" {
			return
		}
		m, ok := out[kind].(map[string]any)
		if !ok {
			m = make(map[string]any)
			out[kind] = m
		}
		m[name] = quantity
	}
	set("requests", "cpu", r.LimitCPU)
	set("requests", "cpu", r.RequestCPU)
	set("requests", "memory", r.LimitMemory)
	set("requests", "memory", r.RequestMemory)
	set("limits", "cpu", r.LimitCPU)
	set("limits", "memory", r.LimitMemory)
	return out
}

// probe renders every field: the defaults of Kubernetes are not those of the
// manifest reference (spec 2.12 rule 1).
func (m *maker) probe(svc manifest.Service, p manifest.Probe, e *environment) map[string]any {
	out := map[string]any{
		"initialDelaySeconds": p.InitialDelay,
		"periodSeconds":       p.Period,
		"timeoutSeconds":      p.Timeout,
		"successThreshold":    p.SuccessThreshold,
		"failureThreshold":    p.FailureThreshold,
	}
	switch p.Type {
	case "exec":
		out["exec"] = map[string]any{"command": m.probeCommand(svc, p, e)}
	case "tcp":
		out["tcpSocket"] = map[string]any{"port": int64(p.Port)}
	default:
		get := map[string]any{"path": p.Endpoint, "port": int64(p.Port), "scheme": "HTTP"}
		if p.Type == "https" {
			get["scheme"] = "HTTPS"
		}
		var headers []any
		for _, h := range p.Headers {
			headers = append(headers, map[string]any{"name": h.Name, "value": h.Value})
		}
		if len(headers) > 0 {
			get["httpHeaders"] = headers
		}
		out["httpGet"] = get
	}
	return out
}

// probeCommand fills in variables itself: in the command of a probe Kubernetes
// knows only those that stand in env as text.
func (m *maker) probeCommand(svc manifest.Service, p manifest.Probe, e *environment) []any {
	command := make([]any, len(p.Command))
	for i, word := range p.Command {
		command[i] = join(m.filled(svc, p.Pos, "a health command", word, e))
	}
	return command
}
