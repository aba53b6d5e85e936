package workload

import "rondo.dev/rondo/render/manifest"

// mount gives a Pod the volumes of svc, and its container c their mounts.
func (m *maker) mount(svc manifest.Service, pod, c map[string]any) {}
