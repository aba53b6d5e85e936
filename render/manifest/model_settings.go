package manifest

// Settings is what docker.configuration says (spec 1.7).
type Settings struct{}
