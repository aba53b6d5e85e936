package manifest

// storageOptions holds what a service mounts (spec 2.16).
type storageOptions struct{ volumes, logFolder *node }

func (o *storageOptions) rows(to []Option) []Option {
	return append(to,
		opt("volumes", List|Text|Mapping, "[]", "HOST:CONTAINER[:ro|rw] or mappings", "Folders of the host, and volumes, that the container sees.").
			keys(new(rawVolume).options).into(&o.volumes),
		opt("log_folder", Text, "", "absolute path", "Folder in the container with log files.").hint("log to standard output").into(&o.logFolder),
	)
}

// rawVolume holds one entry of volumes written as a mapping.
type rawVolume struct {
	name, path, readOnly, subPath, subPathExpr, propagation *node
	persistent                                              *node
	sources                                                 []*node // in the order of volumeSources
}

func (v *rawVolume) options() []Option {
	rows := []Option{
		opt("name", Text, "v<index>", "lower-case letters, digits and -", "Name of the volume.").ext().into(&v.name),
		opt("mount_path", Text, "", "absolute path", "Where the container sees it.").into(&v.path),
		opt("read_only", Bool, "false", "", "Forbids writing.").into(&v.readOnly),
		opt("sub_path", Text, "", "a path in the volume", "What of the volume is seen.").into(&v.subPath),
		opt("sub_path_expr", Text, "", "a path with $(NAME)", "The same, with variables of the container.").into(&v.subPathExpr),
		opt("mount_propagation", Text, "None", "", "Whether later mounts are seen on the other side.").
			words("None", "HostToContainer", "Bidirectional").into(&v.propagation),
		opt("persistent", Mapping, "", "size, storage_class, access_modes, retain", "A volume that outlives the pods.").ext().
			keys(new(rawClaim).options).into(&v.persistent),
	}
	known := volumeSources()
	v.sources = make([]*node, len(known))
	for i, source := range known {
		row := opt(source.name, Mapping, "", "the keys of Kubernetes in snake case", "The volume source of Kubernetes.").into(&v.sources[i])
		switch source.name {
		case "secret":
			row.Doc = "Files from a Secret, from the config store or from variables."
			row = row.keys(new(rawFiles).options).open()
		case "config_map":
			row.Doc = "Files from a ConfigMap, from the config store or from variables."
			row = row.keys(new(rawFiles).options).open()
		}
		rows = append(rows, row)
	}
	return append(rows,
		no("host", "write host_path: {path: …}"),
		no("container", "write mount_path:"),
		no("target", "write mount_path:"),
		no("source", "write host_path: {path: …}"),
		no("size", "write persistent: {size: …}"),
		no("type", "name the source itself, as in empty_dir: {}"))
}

// rawClaim holds persistent.
type rawClaim struct{ size, class, modes, retain *node }

func (c *rawClaim) options() []Option {
	return []Option{
		opt("size", Text, "", "10Gi", "Size of the volume.").ext().into(&c.size),
		opt("storage_class", Text, "the cluster's default", "a StorageClass", "Kind of storage.").ext().into(&c.class),
		opt("access_modes", List|Text, "[ReadWriteOnce]", "ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod", "Who may mount it at a time.").
			ext().into(&c.modes),
		opt("retain", Bool, "true", "", "Keeps the data when the volume is taken out of the manifest.").ext().into(&c.retain),
	}
}

// rawFiles holds secret and config_map with from.
type rawFiles struct{ from, filter *node }

func (f *rawFiles) options() []Option {
	return []Option{
		opt("from", Text, "", "", "Where the files come from.").words(fromStore, fromVariables).into(&f.from),
		opt("filter", Text, "", "k=v, and more after commas", "Which of them: those with all of these tags.").into(&f.filter),
	}
}

// storageDocument holds isolation, the config store and secret files (spec 2.16, 2.18).
type storageDocument struct {
	shareWith, isolation *node
	mountSecrets         *node
	secretFiles          *node
}

// rawIsolation holds isolation.
type rawIsolation struct{ mode, allow, harden *node }

func (i *rawIsolation) options() []Option {
	return []Option{
		opt("mode", Text, ModeManaged, "", "Who may reach the services: everybody, managed applications, or this one and the edge.").
			words(ModeOpen, ModeManaged, ModeStrict).ext().into(&i.mode),
		opt("allow_from", List|Text, "[]", "app/environment, or app for the same environment", "Other applications that may.").ext().into(&i.allow),
		opt("harden", Bool, "false", "", "Takes rights from containers that do not ask for them.").ext().into(&i.harden),
	}
}

func (d *storageDocument) rows() []Option {
	return []Option{
		opt("isolation", Mapping|Text, ModeManaged, "a mapping, or open, managed or strict", "Who may reach the services.").
			words(ModeOpen, ModeManaged, ModeStrict).keys(new(rawIsolation).options).ext().into(&d.isolation),
		opt("config_store", Mapping, "", "a mapping", "Values that applications share.").keys(func() []Option {
			return []Option{opt("share_with", List|Text, "[]", "app/environment, or app for all of its environments",
				"Applications that may read this one's variables.").ext().into(&d.shareWith)}
		}).ext(),
		opt("secrets", Mapping, "", "a mapping", "Secret files.").keys(func() []Option {
			return []Option{
				opt("mount", Bool, "false", "", "Mounts the Secrets of account and application into all containers.").ext().into(&d.mountSecrets),
				opt("files", List|Text, "[]", "paths of .env, .yaml or .json files", "Files encrypted with SOPS for the operator's age key, of which each name becomes a secret variable.").
					ext().into(&d.secretFiles),
			}
		}).ext(),
	}
}
