package manifest

// storageOptions holds what a service mounts (spec 2.16).
type storageOptions struct{}

func (o *storageOptions) rows() []Option {
	return []Option{
		opt("volumes", List|Text|Mapping, "[]", "HOST:CONTAINER[:ro|rw] or mappings", "Storage.").later().keys(volumeOptions),
		opt("log_folder", Text, "", "absolute path", "Folder with log files.").later().hint("log to standard output"),
	}
}

// volumeOptions leaves out the volume sources of Kubernetes in snake case, of
// which it names the usual ones.
func volumeOptions() []Option {
	rows := []Option{
		opt("name", Text, "v<index>", "", "Name of the volume.").ext(),
		opt("mount_path", Text, "", "", "Path in the container."),
		opt("read_only", Bool, "false", "", "Forbids writing."),
		opt("sub_path", Text, "", "", "Path inside the volume."),
		opt("sub_path_expr", Text, "", "", "Path with variables."),
		opt("mount_propagation", Text, "None", "", "Propagation.").words("None", "HostToContainer", "Bidirectional"),
		opt("persistent", Mapping, "", "size, storage_class, access_modes, retain", "A volume claim.").ext(),
	}
	for _, name := range []string{"host_path", "secret", "config_map", "empty_dir", "nfs", "persistent_volume_claim", "projected", "csi", "downward_api", "ephemeral"} {
		rows = append(rows, opt(name, Mapping, "", "", "Volume source."))
	}
	return rows
}

// storageDocument holds isolation, the config store and secret files (spec 2.16, 2.18).
type storageDocument struct {
	shareWith *node
}

func (d *storageDocument) rows() []Option {
	return []Option{
		opt("isolation", Mapping|Text, "open", "a mapping, or open, managed or strict", "Who may reach the services.").keys(func() []Option {
			return []Option{
				opt("mode", Text, "open", "", "How far.").words("open", "managed", "strict"),
				opt("allow_from", List, "", "", "Applications that may."),
				opt("harden", Bool, "false", "", "Tightens security contexts."),
			}
		}).ext().later("open"),
		opt("config_store", Mapping, "", "a mapping", "Values that applications share.").keys(func() []Option {
			return []Option{opt("share_with", List|Text, "[]", "app/environment, or app for all of its environments",
				"Applications that may read this one's variables.").ext().into(&d.shareWith)}
		}).ext(),
		opt("secrets", Mapping, "", "a mapping", "Secret files.").keys(func() []Option {
			return []Option{opt("mount", Bool, "false", "", "Mounts them into containers.")}
		}).ext().later(),
	}
}
