//go:build race

package plan

// slowness is how much longer things take under the race detector.
const slowness = 20
