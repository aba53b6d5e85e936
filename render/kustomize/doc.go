// Package kustomize makes objects where a repository says more, or other, than
// its manifest: overlays, kustomizations and plain YAML.
//
// [Builder] wraps the Builder of manifests and decides by the names in the
// repository:
//
//	path: of rondo.yaml      its kustomization, else all YAML below it
//	a manifest               the manifest; then .rondo/overlays/<environment>, if it holds a kustomization
//	kustomization.yaml       at the root: that one (a service.yml beside it is a Service of Kubernetes)
//	.rondo/overlays/<env>    with a kustomization, without a manifest: that one
//	none of them             E-FILE-NONE from the manifest's reader, with a hint
//
// In the overlay of a manifest the resource "rondo-base", written exactly so in
// resources, stands for the objects of the manifest. It is a folder that exists
// in memory only, beside each kustomization that names it; an overlay that names
// it nowhere is refused, since nothing of the manifest would be deployed. Objects
// keep everything that is no field of theirs (Origin, Stage, Wave, Replicas,
// Generate, Command …) through renames and patches; spec.replicas set by an
// overlay becomes the whole range of a seeded count.
//
// The order of events in a build: read every file that is reachable, from the
// Snapshot and nowhere else; refuse; write what was checked, not what was read,
// into a request; have a worker process run kustomize over it in memory; turn its
// answer into objects, each with file and line. The words of kustomize are
// never shown, for they repeat content.
//
// # Diagnostics
//
// Beside those of manifests:
//
//	E-KUSTOMIZE              kustomize cannot build the files
//	E-KUSTOMIZE-CYCLE        kustomizations refer to each other in a circle, or too deep
//	E-KUSTOMIZE-FIELD        a key or annotation runs programs or changes more than this application
//	E-KUSTOMIZE-LIMIT        the build holds too many objects, or takes too much memory or time
//	E-KUSTOMIZE-PATH         a path is absolute or leads out of the repository
//	E-KUSTOMIZE-REMOTE       a path names something outside of the repository
//	E-FILE-DUP-KUSTOMIZATION a folder holds two kustomizations
//	E-OVERLAY-BASE           an overlay and its manifest do not find each other
//
// # Decisions
//
//   - A folder of plain YAML is read here, without kustomize: positions are exact,
//     and a folder of Kubernetes files costs no worker.
//   - kustomize always runs in a worker, for lint too. The first build of a process
//     reads an OpenAPI schema, which takes 90 ms of processor time whether in this
//     process or another; starting one adds about 30 ms to it. A second way of
//     running kustomize would have to be kept as safe as the first.
//   - A worker is this program again, known by argv[0], without environment, files
//     or network (where the kernel permits), with limits on memory and time. It is
//     replaced after 200 builds or any limit, and ends after two idle minutes.
//   - Kustomizations and resources reach kustomize as JSON, written from the values
//     that were checked: duplicate keys, merge keys, keys in other cases and binary
//     keys cannot mean one thing here and another there.
//   - Files may be read anywhere in the repository, not only below a kustomization:
//     the repository is the boundary.
//   - The input digest holds the built folder's tree, or that of the whole repository
//     when one of its kustomizations has ".." or a backslash in it: then an
//     unrelated commit renders again, and finds nothing to change.
package kustomize
