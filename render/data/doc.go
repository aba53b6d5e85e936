// Package data makes the databases of an application: those that rondo runs, and
// what stands for those that run elsewhere.
//
// A group "default" of PostgreSQL that rondo runs becomes
//
//	StatefulSet postgresql-default             one Pod; only its own deletion restarts it
//	PersistentVolumeClaim data-postgresql-default-0, by its template; an object of its own once it grew
//	Service postgresql-default, and postgresql for the engine's default group
//	Service postgresql-default-hl              headless
//	Secret postgresql-default                  users, passwords and URL, made up once in the cluster
//	NetworkPolicy postgresql-default           who may connect
//	ConfigMap postgresql-default-scripts       what the image runs at its first start
//
// Every one of them names the group, so that none is pruned with it (spec 3.7).
// Images come from the catalogue, by default that of catalogue.yaml. A volume of
// glusterfs is a claim that many Pods mount, gfs-<volume>.
//
// # Backups
//
// An entry of backups adds to each database that it covers
//
//	CronJob postgresql-default-backup    makes a copy, and removes the oldest
//	CronJob postgresql-default-verify    tries the newest one; text copies of PostgreSQL
//	CronJob postgresql-default-restore   suspended: puts a copy back when somebody asks
//	PersistentVolumeClaim postgresql-default-backup, kept like the data itself
//	ConfigMap postgresql-default-backup  their scripts, which are those in scripts/
//
// The scripts run in the image of the database, so that client and server have
// one version. With an object store there is no claim: a container of rclone, in
// the same Pod, takes the copy there after it is made, or back before it is used.
// Tests run the scripts of PostgreSQL, Redis and the object store, and what sets
// the two up, with real servers; those of MySQL and MongoDB are rendered, not run.
//
// # Operators
//
// With operator: cloudnative-pg a group of PostgreSQL is
//
//	Cluster postgresql-default                 of postgresql.cnpg.io/v1; its own Services are -rw, -ro and -r
//	Service postgresql-default, and postgresql for the engine's default group, that lead to the first member
//	Secret postgresql-default, NetworkPolicy postgresql-default
//
// # Elsewhere
//
// A database that runs elsewhere has the same name, [Name], so that its address
// in variables and code stays the same wherever it moves: an ExternalName
// Service for a DNS name; a Service without a selector and an EndpointSlice for
// an IP address. A database known only by its Secret needs none.
//
// # Shared
//
// A database that another application runs and shares (share_from) is reached at
// the address over there. Here is only the Secret <engine>-<group>-shared, whose
// content is copied when it is applied; none where nobody has to sign in.
//
// # Decisions
//
//   - The official images are run as their own users, never as root, and set up by
//     their own entry points: the variables and folders that they document. What
//     they do not do (a replication user, a database that the application owns)
//     is a script that they run once.
//   - Disks are mounted at /data, not where an image expects its data: PostgreSQL
//     moved that place with version 18, and a disk's root is never empty.
//   - A claim keeps the size in the template that made it, since templates cannot
//     change. One that is to grow becomes an object beside the StatefulSet.
//   - Several members need an operator, who knows what to do when the first one
//     dies; without one, replicas above 1 are refused. CloudNativePG is the one
//     that is known, since it alone runs PostgreSQL without settings of its own to
//     learn. It must be installed; what it makes of a Cluster was never run here.
//     Its role for the application has the name of the database: the operator wants
//     to know the name beforehand. Its Secret has no administrator.
//   - PostgreSQL is put back into a new database that takes the name of the old one
//     once it is whole; the old one stays beside it. To load a dump over what is
//     there would leave half of both when it fails.
//   - Redis follows a server that holds the copy: the one way to exchange its data
//     without a restart.
//   - A copy counts once its checksum lies beside it, which is written last.
//   - The result of a run is its Pod's termination message, one line of JSON. The
//     reference has a ConfigMap; the images have no client to write one, and Pods of
//     tenants get no account of the API server.
//   - A copy is whole on the node before it is uploaded, in a folder that goes with
//     the Pod. A stream into the store would need no room, and would need one image
//     with both clients, which is nobody's; claims of the Pod's own would stay as
//     long as Jobs are remembered.
//   - In the object store, too, the checksum comes last and goes first: neither an
//     upload nor a removal that breaks off leaves what a restore would take. What
//     is older than the oldest copy kept goes, whole or not.
//   - The store's key is a Secret of the namespace, so that each application can
//     have one for its own folder, and rondo none.
//   - glusterfs has no server any more, so there are no GLUSTERFS_ variables: an
//     address behind which nobody listens is worse than none.
//   - <app>-configstore is not made: its keys would be copies of several generated
//     Secrets, which rondo reads for nobody but other applications.
//   - Applications in allow_from and share_with are told by the namespace that
//     rondo.yaml gives them: a label that a Pod bears is no proof of whose it is.
//     One that moves is let in again by the next deployment.
//   - The copy of a shared Secret has another name than a Secret of one's own would,
//     so that data which was kept keeps what it needs. It has the keys of the
//     application's user alone, not the administrator's.
//   - The Service for an IP address is headless. It passes no proxy, keeps the
//     address's family whatever the cluster's is, and can become an ExternalName
//     Service later.
//   - A DNS name of the cluster's own that leads into another namespace is refused
//     (threats T22): such a Service would hand out what a network policy there was
//     written for by name. Addresses that the API server refuses in an
//     EndpointSlice, loopback and link-local among them, are refused here already.
package data
