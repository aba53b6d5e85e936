package workload

// isolation adds the NetworkPolicies of the application.
func (m *maker) isolation() {}
