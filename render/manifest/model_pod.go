package manifest

// Pod is what a service says about its workload and Pods (spec 2.9, 2.11, 2.13
// to 2.15).
type Pod struct{}
