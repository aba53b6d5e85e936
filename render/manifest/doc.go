// Package manifest reads the manifest language: from the files of a
// [sources.Snapshot] to an [Application] in which everything is checked and
// nothing is left to look up, and the Problems found on the way.
//
// The order of events in [Parse]:
//
//  1. The files are found and scanned. What is too large, nests too deep or
//     expands to too much is refused before anything is built from it.
//  2. Each file becomes one tree without aliases, with every value's line and
//     column; the node of the environment is merged over the rest, and the two
//     files are merged into one.
//  3. The tree is walked along the table of options ([Language]). The walk
//     reports each key by its disposition and stores the values that are read.
//  4. Variables are resolved, after those that they refer to.
//  5. The stored values become the model, service by service, and what concerns
//     several services is compared: names, ports, requirements.
//  6. The tree is followed along the table once more, to say of each leaf key
//     what became of it ([Result].Keys).
//
// Parse promises: the same input gives the same result; a key is never dropped
// in silence; every Problem has a code, a place in a file and stands on one
// line; no value of the files is repeated in a Problem, since it may be a
// secret; and no file makes it slow or large.
//
// # Decisions
//
// WEB_ADDRESS and its kin, STACK_GIT_BRANCH and PRIMARY have a value where a
// manifest refers to them, and stand in no ConfigMap: set for everybody they
// would restart every Pod with each host and branch. STACK_BASE and STACK_PATH
// are undefined: the working directory is known to the image alone.
//
// PORT, NODE_ENV, RAILS_ENV and RACK_ENV are set where a component names the
// framework; nothing is guessed from an image.
//
// What became of each key is told from the table and the Problems, not noted
// while values are read: what no reader looks at is in the list all the same.
//
// The table holds a pointer to where each value goes, so an option is known in
// one place. The usual alternative, a struct decoded by a YAML library with
// checks around it, knows each option three times and loses lines, columns and
// the source text of numbers.
//
// What is not built yet is refused, with a code of its own. A manifest that
// seems to work while half of it is ignored is the one thing worse.
//
// A path that the operator gives is the only place where the manifest is looked
// for. The reference would fall back on the usual places; a typing error in
// rondo.yaml would then deploy another application's file.
//
// A host or a Secret given for a database says that it is external; asking for
// "server: external" as well would only be another thing to forget.
//
// A reference _env(NAME) below a service finds the service's own variables
// before those of the application. The reference manual says only the latter,
// but what people wrote relies on the former.
//
// An entry of the config store is never read here: a reference becomes a key of
// the Secret "<app>-configstore" or "account-configstore" of the application's
// namespace. Which of the two is decided by the keys, which Facts may know (the
// names, from the labels and annotations of those Secrets): Kubernetes cannot
// choose between two Secrets for one variable, and to read both to choose would
// put values where only names belong. Where nothing is known it is the
// application's, and a Pod says which key is missing.
//
// An application shares variables with those it lists, none with its owner's
// other applications unasked, and no secret with anybody: a value that another
// one renders would stand in that one's ConfigMap.
//
// Values set through the API are taken literally: their author writes no
// manifest, and a fault in them would be red on a commit that cannot clear it.
//
// Generated variables of a Secret are optional one by one, because few Secrets
// hold all six keys. A variable that the manifest refers to by name is not.
//
// The nodes of other environments are checked for their form: unknown keys, and
// values of a wrong shape. A fault there is red here too; it would be no smaller
// on the day when that environment is deployed.
//
// A name stands in a Problem only where it looks like one, up to 63 characters:
// {PASSWORD:x} is a key as well. Hosts and other values are told by their place.
//
// A folder of the host is mounted where its prefix is allowed, and never one from
// which the socket of a container runtime can be reached, its parents among them:
// who mounts /run mounts the socket. Keys of volume sources are compared with the
// Go types of Kubernetes, by reflection: a table of our own would be 200 rows that
// age, and a generic change of case takes what Kubernetes then refuses. Files from
// the config store are keys of its Secrets in place; nothing is copied out of them.
//
// A folder under the place where servers had a volume of glusterfs means a part of
// its claim. No operator has to allow it: it is on no node.
//
// Encrypted files become variables of all services: what a service must not see
// belongs into a Secret that its volume names. In their values nothing is looked
// up. Where there is no key they are refused, or, with gaps allowed, their names
// are known and their values empty.
//
// A schedule "@every 5m" is refused, which Kubernetes would take: it counts from
// when a controller started, so nobody can say when it is due. A step longer
// than its field is refused as well; cron starts over with the field.
//
// A hook's file that is only placed is there in later hooks that name its path:
// hooks do not run on one machine, and nothing else could see it. Secrets are not
// filled into a script, which stands in a ConfigMap; the shell has them.
//
// A Procfile with a stop of "term, n, kill" needs no script: it is the time that
// Kubernetes gives anyway. Where services are declared, no Procfile is imported;
// two lists of what runs would only differ one day.
//
// build_only and deploy_only count deployments from the first that has hooks, as
// build_command does: what ran before that, nobody recorded.
//
// Time zones are those of Go's own list or the machine's; time/tzdata is linked
// in, so that a machine without the list answers the same.
//
// Rights over the node are the operator's to give. The reference names those of
// host_* and privileged; the others that lead there are refused as well:
// capabilities beyond the Baseline profile of Kubernetes, no filter of system
// calls, the priority of the cluster's own Pods, and ports of a DaemonSet that the
// node answers on itself.
//
// A service of type cron_job has schedule and time_zone beside its type. The
// reference has them only for jobs, and a CronJob cannot be without.
//
// What does not suit a type is told and left out: ports of a job, counts of a
// DaemonSet. Only where the service would behave otherwise than it says is it
// refused: checks of a job, Recreate of anything but a Deployment.
//
// max_count: 0 is refused. In the model 0 means no upper end, and a service that
// is to be off has min_count: 0.
package manifest
