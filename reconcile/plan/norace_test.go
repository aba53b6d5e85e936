//go:build !race

package plan

const slowness = 1
