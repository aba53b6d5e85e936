package workload

// commands adds the Jobs and CronJobs of the application: its commands around a
// deployment, its hooks, and its scheduled jobs.
func (m *maker) commands() {}
