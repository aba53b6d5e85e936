package manifest

// Code is a kind of Problem. Codes are stable: people search for them and
// filter by them. The first letter is the severity: error, warning, info.
type Code struct{ Name, Meaning string }

// Codes lists every code that [Parse] uses. All but the last group are those of
// Appendix B of the reference.
func Codes() []Code {
	return []Code{
		{"E-FILE-NONE", "there is no manifest in the repository"},
		{"E-FILE-DUP-SERVICE", "a service is declared in both files"},
		{"E-FILE-SIZE", "a file is larger, or holds more values, than is read"},
		{"E-FILE-LINK", "a file is a link, a submodule or a folder"},
		{"E-YAML-SYNTAX", "a file is not one YAML document in UTF-8"},
		{"E-YAML-DUPKEY", "a key stands twice"},
		{"E-YAML-ALIAS", "aliases expand to too much, or to themselves"},
		{"I-VERSION-QUOTE", "a version without quotes could lose digits"},
		{"W-COLON-KEY", "a key has a leading colon"},
		{"E-KEY-UNKNOWN", "a key does not exist"},
		{"W-KEY-UNKNOWN", "a key does not exist"},
		{"W-KEY-MOVED", "a key is at the wrong place and was taken all the same"},
		{"E-TYPE", "a value has the wrong form"},
		{"E-VALUE", "a value is outside of what is accepted"},

		{"W-NOT-APPLICABLE", "an option has no meaning here"},
		{"W-DEPRECATED", "an option works, but has a successor"},
		{"I-TRANSLATED", "an option was turned into an equivalent"},
		{"W-ONCE-CHANGED", "an option has changed that counts only at first"},

		{"I-NAME-SANITISED", "a service has another name in the cluster"},
		{"E-NAME-COLLISION", "two parts of the application become one name"},
		{"E-NAME-RESERVED", "a service has the name of a database"},
		{"E-META-RESERVED", "a label or an annotation belongs to the platform"},
		{"E-TAG-SYNTAX", "a tag cannot be a label"},
		{"W-DNS-LEGACY", "a name of the old platform does not resolve"},
		{"W-DNS-NOPORT", "a service is called by name, but has no ports and so no name"},

		{"E-IMAGE-AND-GIT", "a service has an image and a source"},
		{"E-IMAGE-OR-GIT", "a service has neither image nor source"},
		{"E-HABITUS", "a build needs Habitus"},

		{"E-PORT-CONTAINER", "a port does not say where the container listens"},
		{"I-PORT-ASSUMED", "a container port was taken from the external one"},
		{"E-PORT-DUP", "a service uses an external port twice"},
		{"E-PORT-CONFLICT", "two services use one external port"},
		{"E-HOST-SYNTAX", "a host name is none"},
		{"I-DNS-VERSIONED", "versions of a service are not told apart in a rolling update"},

		{"E-REQUIRES-UNKNOWN", "a requirement names no service"},
		{"E-REQUIRES-CYCLE", "services require each other in a circle"},
		{"E-STRATEGY-ZERO", "no update could ever begin"},
		{"I-STRATEGY-RECREATE", "a service is stopped during updates because of its volume"},

		{"E-ENV-NAME", "a name cannot be that of a variable"},
		{"E-ENV-UNDEFINED", "a reference leads to nothing"},
		{"E-ENV-CYCLE", "variables refer to each other in a circle, or in too long a row"},
		{"E-ENV-CROSS-CREDENTIAL", "a credential of another application is referred to"},
		{"W-ENV-RESERVED", "a variable is generated, and the value given is ignored"},
		{"W-ENV-PLATFORM", "a variable of the old platform is empty"},
		{"W-ENV-TYPE", "YAML readers disagree about a value"},
		{"W-ENV-TYPO", "the name of a variable is a misprint of old manuals"},
		{"I-ENV-INDIRECT", "a variable of another service stands outside of a variable"},
		{"I-ENV-OVERRIDDEN", "a variable was set through the API as well, which wins"},

		{"W-QUANTITY-V1", "an amount of memory has a lower-case unit"},
		{"E-CPU-UNIT", "an amount of CPU lacks its unit"},
		{"E-RESOURCES-ORDER", "a request is above its limit"},
		{"E-HPA-NOREQUEST", "scaling by a percentage lacks the request that it is of"},
		{"E-HPA-METRIC", "the cluster cannot measure what a service is to scale by"},

		{"W-HEALTH-PORT", "a check asks a port that is not declared"},
		{"W-HEALTH-SUCCESS", "Kubernetes knows only one success here"},
		{"W-HEALTH-ACCEPT", "a status cannot be required"},
		{"I-HEALTH-ALIVE-1", "one failed check restarts a container"},
		{"E-HEALTH-NOPORT", "a check has no port to ask"},
		{"E-HEALTH-JOB", "a service that runs to its end has checks"},
		{"E-HEALTH-OUTBOUND", "a check waits for a call from the container"},
		{"E-STOP-BOTH", "a service has two ways to be stopped"},
		{"W-GRACE-SHORT", "the time to stop ends before it can be used"},

		{"E-POLICY-HOST", "a service asks for its node, which the operator does not allow"},

		{"E-CRON-STEP", "a schedule has a step that cron cannot count"},

		{"E-POLICY-HOSTPATH", "a folder of the host may not be mounted"},
		{"W-LOG-EMPTYDIR", "log files go with their pod"},
		{"W-NETPOL-CNI", "the network of the cluster enforces no isolation"},
		{"E-GFS-ACCESS", "a service mounts a volume of glusterfs that is not for it"},
		{"E-RWX-CLASS", "there is no storage that many nodes can write"},

		{"E-HOOK-SNIPPET", "a hook asks for a script of the old platform"},
		{"E-HOOK-ERB", "a script holds Ruby that is not filled in"},
		{"E-HOOK-USER", "a hook names two users"},
		{"W-HOOK-NOEXEC", "a hook does nothing"},
		{"W-PROC-NOSERVICE", "a process has the name of no service"},

		{"E-DB-ENGINE", "a database engine does not exist"},
		{"E-DB-REPLICAS", "a database cannot have several members"},
		{"E-DB-VERSION", "there is no image of the version of a database"},
		{"E-DB-SHARE", "another application does not share a database"},
		{"W-DB-UNUSED", "a database is configured but not used"},
		{"E-EXTERNAL-APP", "the application itself is external"},
		{"E-BACKUP-STORE", "there is no object store for copies of databases"},

		// rondo's own.
		{"E-NOT-BUILT", "an option exists, but rondo cannot do it yet"},
		{"W-NOT-BUILT", "an option that rondo cannot do yet was skipped"},
		{"E-REJECTED", "an option of the old platform cannot be followed"},
		{"E-GIT-LFS", "a file is a pointer of Git LFS"},
		{"E-YAML-DEPTH", "a file nests too deep"},
		{"I-SHARE-UNKNOWN", "what another application shares was not looked up"},
		{"E-SERVICES-NONE", "there is nothing to deploy"},
		{"W-STATEFUL-EMPTY", "a service that should keep something has nothing to keep it in"},
		{"W-QUEUE-ADDRESS", "a queue is watched at an address that may be missing"},
		{"W-DRAIN-NONE", "a service does not wait until load balancers have left it out"},
		{"W-CLOSEST-ZONE", "the cluster is too old to prefer the same node"},
		{"E-NAME-SYNTAX", "a name cannot be that of an object or an environment"},
		{"E-ENV-SECRET", "a secret stands where text must be"},
		{"E-ENV-SIZE", "variables are too large, together or by references"},
		{"W-ENV-NAME", "a variable set through the API has an impossible name"},
		{"E-SOPS-KEY", "a file is encrypted, and there is no key"},
		{"W-SOPS-KEY", "a file is encrypted, and its values are left empty"},
		{"E-SOPS-FILE", "an encrypted file cannot be read"},
		{"W-VOLUME-EXCLUSIVE", "a volume of one node belongs to several pods"},
		{"W-VOLUME-EMPTY", "a volume of files has none"},
		{"W-VOLUME-LEFT", "a volume of files leaves out variables that are secret"},
		{"I-MORE", "more was found than is shown"},
	}
}
