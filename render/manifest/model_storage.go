package manifest

// Mount is what a service mounts (spec 2.16).
type Mount struct{}

// Storage is what an application says about isolation, its config store and
// secret files (spec 2.16, 2.18).
type Storage struct {
	// ShareWith are the applications that may read this one's variables: names, or
	// names with an environment.
	ShareWith []string
}
