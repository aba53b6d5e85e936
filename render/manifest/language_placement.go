package manifest

// rawServers holds constraints.servers (spec 2.11 rule 5).
type rawServers struct{ names, tags *node }

func (o *rawServers) options() []Option {
	return []Option{
		opt("names", List|Text, "", "node names", "Nodes to run on, by name.").into(&o.names),
		opt("tags", List|Mapping|Text, "", "k=v, k:v or k", "Nodes to run on, by label; one of them is enough.").into(&o.tags),
	}
}

// nodes are the options of constraints that say where Pods run.
func (o *podOptions) nodes() []Option {
	return []Option{
		opt("servers", Mapping, "", "names and tags", "Nodes to run on.").keys(o.servers.options),
		opt("tolerations", List|Mapping, "", "taints, as {key, operator, value, effect}", "Taints of nodes to put up with.").keys(new(rawToleration).options).open().into(&o.tolerations),
	}
}

// misplacedNodes are the same options, one level too deep.
func (o *podOptions) misplacedNodes() []Option {
	return []Option{
		moved(opt("servers", Mapping, "", "", "Belongs to constraints.").keys(o.movedServers.options)),
		moved(opt("tolerations", List|Mapping, "", "", "Belongs to constraints.").keys(new(rawToleration).options).open().into(&o.movedTolerations)),
	}
}

// moved says that a key of constraints stands one level too deep.
func moved(o Option) Option {
	o = o.deprecated("move it up to constraints:")
	o.Code = "W-KEY-MOVED"
	return o
}

// rawToleration holds one toleration; the keys of Kubernetes are read as well.
type rawToleration struct{ key, operator, value, effect, seconds *node }

func (o *rawToleration) options() []Option {
	return []Option{
		opt("key", Text, "any taint", "key of a taint", "Key of the taint.").into(&o.key),
		opt("operator", Text, "Equal with a value, else Exists", "", "Whether the value counts.").into(&o.operator),
		opt("value", Text, "", "value of a taint", "Value of the taint.").into(&o.value),
		opt("effect", Text, "", "", "Effect of the taint; any, if it is not written.").words("NoSchedule", "PreferNoSchedule", "NoExecute").into(&o.effect),
		opt("toleration_seconds", Integer, "for ever", "seconds", "How long a NoExecute taint is put up with.").into(&o.seconds),
	}
}

// rawPlacement holds placement (spec 2.11 rule 7).
type rawPlacement struct {
	by, skew, required *node
	priority, selector *node
	apart              *node
}

func (o *rawPlacement) options() []Option {
	return []Option{
		opt("spread", Mapping, "over hosts, from two pods on", "by, max_skew and required", "Spread over nodes or zones.").keys(func() []Option {
			return []Option{
				opt("by", Text, "host", "", "What pods are spread over.").words("host", "zone").into(&o.by),
				opt("max_skew", Integer, "1", "1 or more", "How uneven the spread may be, in pods.").into(&o.skew),
				opt("required", Bool, "false", "", "Whether a pod waits rather than make it more uneven.").into(&o.required),
			}
		}),
		opt("priority_class", Text, "", "name of a PriorityClass", "Who yields when nodes are full.").into(&o.priority),
		opt("node_selector", Mapping, "", "a mapping of labels", "Labels that a node must have, all of them.").into(&o.selector),
		opt("anti_affinity", List|Text, "", "service names", "Services whose nodes are avoided where possible.").into(&o.apart),
	}
}

// rawScaling holds autoscaling (spec 2.15).
type rawScaling struct {
	min, max, cpu, memory, response *node
	queue, perPod, vhost            *node
	up, down, cooldown              *node
}

func (o *rawScaling) options() []Option {
	return []Option{
		opt("min", Integer, "constraints.min_count", "1 or more; 0 with queue", "Fewest pods.").into(&o.min),
		opt("max", Integer, "constraints.max_count", "up to 20, unless the operator says otherwise", "Most pods.").into(&o.max),
		opt("cpu", Text, "", "percent of the request", "CPU to aim at.").into(&o.cpu),
		opt("memory", Text, "", "percent of the request", "Memory to aim at.").into(&o.memory),
		opt("response_time", Text, "", "milliseconds", "Response time to aim at; needs a metrics adapter.").into(&o.response),
		opt("queue", Mapping, "", "name, per_pod and vhost", "RabbitMQ queue to keep short; needs KEDA.").keys(func() []Option {
			return []Option{
				opt("name", Text, "", "name of a queue", "Queue to watch.").into(&o.queue),
				opt("per_pod", Integer, "", "1 or more", "Messages that one pod is good for.").into(&o.perPod),
				opt("vhost", Text, "that of RABBITMQ_URL", "name of a virtual host", "Virtual host of the queue.").into(&o.vhost),
			}
		}),
		opt("step", Mapping, "", "up and down", "Pods added or taken a minute.").keys(func() []Option {
			return []Option{
				opt("up", Integer, "1", "1 to 10", "Pods added a minute.").into(&o.up),
				opt("down", Integer, "1", "1 to 10", "Pods taken a minute.").into(&o.down),
			}
		}),
		opt("cooldown", Text, "20m", "up to 1h", "How long the load must be low before pods are taken.").into(&o.cooldown),
		opt("lookback", Text, "5m", "a duration", "Window of the measure.").inapplicable("remove it; the metrics server decides the window"),
	}
}
