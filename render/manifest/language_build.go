package manifest

// buildOptions holds what a service says about building its image. Building is
// not part of this table's readers yet.
type buildOptions struct {
	git, branch, root, dockerfile, buildArgs *node
}

func (o *buildOptions) rows(to []Option) []Option {
	return append(to,
		opt("git_url", Text, "", "ssh, scp-like or https address, or . for this repository", "Source to build; excludes image.").later().into(&o.git),
		opt("git_branch", Text, "the repository's own", "branch name", "Branch to build.").later().into(&o.branch),
		opt("build_root", Text, "repository root", "relative path", "Folder to build from.").later().into(&o.root),
		opt("dockerfile_path", Text, "Dockerfile", "path relative to build_root", "Dockerfile.").later().into(&o.dockerfile),
		opt("build_args", Mapping, "", "a mapping of text", "Arguments of the build.").ext().later().into(&o.buildArgs),
		opt("use_habitus", Bool, "false", "", "Builds with Habitus.").rejected("E-HABITUS", "use a multi-stage Dockerfile").inert("false", "no", "off"),
		opt("use_habitus_step", Text, "", "", "Step of a Habitus build.").rejected("E-HABITUS", "use a multi-stage Dockerfile"),
		opt("build_target", Text, "", "stage name", "Stage of the Dockerfile to build.").ext().later(),
	)
}
