package manifest

import (
	"slices"
	"sync"
)

// Language is the whole table of options: the keys of a manifest, each with the
// keys inside it. Documentation and schema are made from it.
func Language() []Option { return new(document).options() }

// topLevel is the table for those who look at keys alone. Nobody changes it, and
// nothing is read into it.
var topLevel = sync.OnceValue(Language)

// appComponents are those of the application itself; all but the first are for
// applications without containers.
var appComponents = [...]string{"docker", "rails", "rack", "sinatra", "padrino", "node"}

// document holds the values of a manifest's first level that are read.
type document struct {
	version, strict     *node
	services, databases *node
	variables           *node
	engines             [len(engineNames)]*node
	native              string // a component of applications without containers

	settings settings
	commands commandDocument
	storage  storageDocument
	data     dataDocument
}

// options is the table of the first level, inside or outside an environment.
func (d *document) options() []Option {
	rows := []Option{
		opt("version", Text, "2", "1 or 2", "Version of the service schema.").into(&d.version),
		opt("strict", Bool, "false", "", "Makes an unknown key an error everywhere.").ext().into(&d.strict),
		opt("services", Mapping, "", "a mapping of service names", "The containers of the application.").
			alias("service").named(new(service).options).into(&d.services),
		opt("databases", List|Mapping|Text, "", "a list of engine names", "The engines that the application uses, each with the keys of its groups and of their configuration.").
			each(databaseEntry).into(&d.databases),
		opt("environment_variables", Mapping, "", "a mapping of NAME: value", "Variables of all services.").into(&d.variables),
	}
	for i, name := range engineNames {
		row := opt(name, Mapping, "", "a mapping", "The data component "+name+".").
			keys(func() []Option { return new(component).options(name) }).into(&d.engines[i])
		if name == "postgresql" {
			row = row.alias("postgres")
		}
		rows = append(rows, row)
	}
	for _, name := range appComponents {
		row := opt(name, Mapping, "", "a mapping", "Settings of the application.").keys(d.settings.component)
		if name != "docker" {
			row = row.checked(func(*reader, *node, place) { d.native = name })
		}
		rows = append(rows, row)
	}
	rows = append(rows,
		opt("nginx", Mapping, "", "a mapping", "The reverse proxy.").later().keys(nginxOptions),
		opt("load_balancer", Mapping, "", "a mapping", "The entry load balancer.").keys(loadBalancerOptions),
		opt("gateway", Mapping, "", "a mapping", "A bastion to reach servers through.").inapplicable("").keys(gatewayOptions),
		opt("custom", Mapping, "", "a mapping", "A custom server.").inapplicable("").keys(customOptions),
		opt("experiments", Mapping, "", "a mapping", "Flags of old experiments.").inapplicable("").keys(experimentOptions),
	)
	rows = append(rows,
		no("env_vars", "write environment_variables:, or move it below a service"),
		no("env", "write environment_variables:"),
		no("environment", "write environment_variables:"))
	return slices.Concat(rows, d.commands.rows(), d.storage.rows(), d.data.rows(), extensionOptions())
}

// external refuses an application component that runs elsewhere.
func external(r *reader, n *node, p place) {
	if isExternal(n) {
		r.fault(n, p, "E-EXTERNAL-APP", "is external", "remove it; only a data component can run elsewhere")
		return
	}
	r.undescribed(n, p)
}

// undescribed tells of servers that are a bare word, such as a size: what is no
// mapping has no keys that would say what becomes of it.
func (r *reader) undescribed(n *node, p place) {
	for i, item := range items(n) {
		at := p
		if n.shape == List {
			at = p.index(i)
		}
		if inner := item.get("server"); inner != nil {
			item, at = inner, at.key("server")
		}
		if !item.isNull() && item.shape != Mapping {
			r.fault(item, at, "W-NOT-APPLICABLE", "has no effect here", "remove it; the cluster has its own servers")
		}
	}
}

// placement is where a component's servers are described (spec 1.5).
func placement(check func(*reader, *node, place)) []Option {
	return []Option{
		opt("servers", List|Mapping|Text, "", "a list of server: mappings", "Where the component runs.").keys(serverEntry).checked(check),
		opt("server", Mapping|Text, "", "a mapping or external", "Where the component runs.").keys(serverOptions).checked(check),
	}
}

func serverEntry() []Option {
	return append(serverOptions(), opt("server", Mapping|Text, "", "a mapping or external", "One server.").keys(serverOptions))
}

func serverOptions() []Option {
	return []Option{
		opt("unique_name", Text, "", "unique in the manifest", "Name of the server, for same_as of others.").compared(),
		opt("vendor", Text, "", "", "Cloud vendor.").inapplicable(""),
		opt("key_name", Text, "Default", "", "Cloud key.").inapplicable(""),
		opt("region", Text, "", "", "Region of the vendor.").inapplicable(""),
		opt("availability_zone", Text, "", "AWS zone name", "Zone.").inapplicable("place pods with constraints.servers.tags"),
		opt("size", Text, "", "", "Size of the server.").inapplicable("set constraints.resources of the services"),
		opt("root_disk_size", Integer, "50", "GB", "Size of the disk.").inapplicable(""),
		opt("root_disk_type", Text, "ssd", "", "Kind of disk.").words("ssd", "magnetic").inapplicable(""),
		opt("subnet_id", Text, "", "", "Subnet.").inapplicable(""),
		opt("address", Text, "", "IP address", "Address of a registered server.").inapplicable(""),
		opt("same_as", Text, "", "another unique_name", "Shares a server.").inapplicable(""),
	}
}

// serverSettings stand under configuration of every component.
func serverSettings() []Option {
	rows := []Option{
		opt("root_disk_size", Integer, "50", "GB", "Size of the disk.").inapplicable(""),
		opt("root_disk_type", Text, "ssd", "", "Kind of disk.").words("ssd", "magnetic").inapplicable(""),
		opt("tags", List|Mapping, "", "a list", "Tags of servers.").inapplicable("use tags of a service"),
	}
	for _, name := range []string{"vpc_id", "subnet_id", "vn_name", "iam_instance_profile_name", "instance_service_account_name"} {
		rows = append(rows, opt(name, Text, "", "", "Cloud set-up of servers.").inapplicable(""))
	}
	return rows
}
