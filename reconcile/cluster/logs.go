package cluster

import (
	"log/slog"

	"k8s.io/klog/v2"
)

// Logs sends what client-go says about itself to log. It speaks through one
// logger for the whole process, so main calls this, once.
func Logs(log *slog.Logger) { klog.SetSlogLogger(log) }
