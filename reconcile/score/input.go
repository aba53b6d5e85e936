package score

import "rondo.dev/rondo/render"

// Input is all that [Compute] looks at.
type Input struct {
	Bundle render.Bundle
	// Observed is what the cluster showed; nil: judge the rendering alone, which
	// leaves out the checks that need a cluster.
	Observed *Observed
}

// Observed is what the checks need to know of the cluster.
type Observed struct {
	// Endpoints counts the ready endpoints of each Service, by its name. A
	// Service that is missing here is unknown, one with 0 has none.
	Endpoints map[string]int
	Pods      []PodState
	// RolloutExceeded names the workloads whose rollout ran into its deadline.
	RolloutExceeded []string
}

// PodState is what happened to one pod in the last 24 hours.
type PodState struct {
	Service  string // name of its workload
	Name     string
	Restarts int64
	Reason   string // "CrashLoopBackOff", "OOMKilled", or another; empty: none
}
