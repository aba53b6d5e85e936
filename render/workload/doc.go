// Package workload turns the services of a manifest into Kubernetes objects.
//
// [Builder] is what [render.Render] is handed. It has the manifest parsed, makes
// the objects of each service, lets render/data and render/edge add what stands
// in front of databases and services, and has render/validate look over it all.
//
// A service "web" of the application "shop" becomes
//
//	Deployment web             or a StatefulSet, DaemonSet, Job or CronJob, by its type
//	Service web                where it has ports: every container port, and the HTTP number
//	Service web-ext            where tcp or udp is opened to the outside; web-ext-udp beside it for both
//	Service web-headless       of a StatefulSet, for the names of its Pods
//	Ingress web                where http or https is, by render/edge
//	PodDisruptionBudget web    where two Pods or more are asked for
//	HorizontalPodAutoscaler    with autoscaling; a ScaledObject of KEDA where it looks at a queue
//	ConfigMap, Secret web-env  the variables that are its own
//	Secret web-generated       values that are made up once, in the cluster
//	PersistentVolumeClaim web-<volume>  persistent; a StatefulSet has them for each Pod
//	ConfigMap, Secret web-<volume>      files from variables
//	NetworkPolicy web          who is let in, unless isolation is open
//
//	Job web-build-<revision>   build_command, until one deployment has succeeded
//	Job web-deploy-<revision>  deploy_command
//	CronJob <job>              each of jobs
//	Job hook-<point>-<name>…   each of deploy_hooks, with ConfigMaps …-file for its
//	                           script and …-env for variables of its own
//
// and the application once ConfigMap shop-environment, Secret
// shop-environment-variables, Secret shop-environment-generated and NetworkPolicy
// default, which lets nobody in. A Secret of the latter name that somebody made by
// hand is read too: that is how secrets stay out of git.
//
// # Variables
//
// A later one wins: the application's ConfigMap and Secret, the service's
// ConfigMap and Secret, then single entries. Single entries are what only
// Kubernetes can fill in: keys of Secrets, the node's name and address, and text
// with $(NAME), which it expands there and not in a ConfigMap. The rule for
// dollars is one for variables and commands: $(NAME) is filled in where the
// container has a variable NAME, $$(NAME) is then the text $(NAME), and every
// other dollar is itself, whatever Kubernetes would have made of it. In a value
// that mixes text and Secrets, each Secret becomes a private variable
// RONDO_REF_n, so that no secret is written where a secret should not be. Values
// that the cluster makes up once (AUTO_GENERATE) are keys of the Secrets
// web-generated and shop-environment-generated, and single entries too: so a
// service that sets the variable itself does not depend on the Secret.
//
// # Restarts
//
// Pods restart when their template changes. The annotation rondo.dev/config-hash
// in it makes a changed ConfigMap or Secret such a change.
//
//	restart_on_deploy   config-hash   rondo.dev/deployment
//	not written         yes           no
//	true                yes           the revision: each one restarts the service
//	false               no            no
//
// With false a new template waits, too (spec 2.9): a StatefulSet or a DaemonSet is
// OnDelete, and a Deployment is paused by the deployment that changes its
// template. "kubectl rollout resume" is the restart, so that no state of rondo's
// says whether a service was restarted.
//
// # Commands
//
// A deployment waits for its Jobs, one after the other: they are what
// [render.Object] calls a Command, each in a wave of its own. Such a Job bears
// the revision in its name and, as rondo.dev/deployment, in its template: a new
// revision runs it again even where nothing else has changed, and the same
// revision never does. That is also why an application with a deploy_command is
// rendered for every revision.
//
// A deployment reaches the moments of hooks in this order:
//
//	stage config, after its other objects   first_thing, before_<engine>
//	stage command                           after_<engine>, after_checkout, before_<framework>,
//	                                        then build_command and deploy_command of each service,
//	                                        then before_processes, before_restart
//	stage workload, after the workloads     before_nginx, before_haproxy
//	stage after                             all others, last_thing at the end
//
// first_thing comes after the application's variables, since it has them. A hook
// around a database bears a hash of what the database consists of instead of the
// revision: it runs when that is made or changed, or its own text is.
//
// What runs until one deployment has succeeded is recorded with the revision
// that succeeded. For that revision it stays in the Bundle, so that a success
// does not change what was rendered; later ones leave it out.
//
// # Decisions
//
//   - Isolation is managed unless written otherwise. The policy of the namespace
//     only denies; each service opens its own, and databases theirs, so that what
//     other applications may reach never includes a database. A managed namespace
//     is one with the label that rondo gives those it makes; whoever makes one by
//     hand and wants it reached adds it. Where the edge runs is told by Facts;
//     without it, exposed web ports are open to all.
//   - A peer of isolation lives in the namespace <app>-<environment>, by the same
//     convention as that of a database's allow_from.
//   - Made up values are in Secrets of their own: rondo applies the others, and of
//     these it knows no value.
//   - The claim of a service is kept when the manifest drops it, unless it says
//     retain: false; a plan that deletes one is held all the same.
//   - Secrets carry data, never stringData: the API server turns the latter into
//     the former, and fields that vanish cannot be owned by a server-side apply.
//   - Fields that are keys of lists (a port's protocol) or that the API server
//     would fill in otherwise than the manifest reference says (probes, strategy)
//     are written out. Other defaults are left to it.
//   - config-hash has a part for the application's variables and one for the
//     service's own. Only what comes from Secrets is keyed, with
//     [Builder.Key]: who may read Deployments but not Secrets cannot try out
//     guesses. An unkeyed hash was rejected for that, a key over everything
//     because a lost key would then restart every Pod.
//   - A service that is reached from outside waits 5 s between leaving the load
//     balancers and TERM (spec 4.3 rule 7), unless it stops at once by
//     "stop_grace: 0". The time from TERM to KILL is stop_grace as written; the
//     reference raises it to 30 s at least, against its own definition.
//   - Objects bear no revision: a commit that changes nothing writes nothing.
//   - A job without a schedule is a suspended CronJob. The reference renders
//     nothing, but then "kubectl create job --from" has nothing to start.
//   - Jobs leave out claims that are not ReadWriteMany: they would wait for the
//     Pods of the service to let go of them.
//   - preStop.sleep needs Kubernetes 1.30; nothing older is served.
//   - A stop command that is a line waits those 5 s first, in its shell. One that
//     is a list of words runs as it is, which is what lists are for: images
//     without a shell. Kubernetes fills in no variables in either, so $(NAME) is
//     filled in here, with what is known.
//   - A DaemonSet opens tcp and udp on its nodes, as the reference has it, but one
//     number for each port of the container: fields of a list are owned by port
//     and protocol, so a second entry could not be applied.
//   - A Job is no part of the deployment's commands: it is a workload, replaced
//     when its template changes, and then runs again. With restart_on_deploy it
//     runs at each revision. It is tried once, as jobs: are. A CronJob is only ever
//     started by its schedule.
//   - anti_affinity is preferred, not required: a cluster of one node still runs
//     everything. Who insists has placement.spread with required.
//   - Under autoscaling the range is that of the autoscaler, and the count is
//     seeded: switching it on or off keeps the number of Pods that runs.
package workload
