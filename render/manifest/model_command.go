package manifest

// Steps are the commands of a service that run around a deployment or at the
// start of each Pod (spec 2.8).
type Steps struct{}

// Commands are the jobs, hooks and processes of an application (spec 2.17, 5.2,
// 5.3).
type Commands struct{}
