package health

import (
	"fmt"
	"time"
)

// Ending says how the container of a Job's pods that failed last has ended, in
// one sentence without values: "container migrate: exit code 3 (Error)". Empty:
// none has.
func Ending(pods []map[string]any) string {
	var newest time.Time
	var out string
	for _, body := range pods {
		for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
			for _, each := range list(body, "status", field) {
				container, _ := each.(map[string]any)
				end := nested(container, "state", "terminated")
				code, ok := integer(end, "exitCode")
				at := when(end, "finishedAt")
				if !ok || code == 0 || out != "" && at.Before(newest) {
					continue
				}
				newest, out = at, fmt.Sprintf("container %s: exit code %d", text(container, "name"), code)
				if reason := oneWord(text(end, "reason")); reason != "" {
					out += " (" + reason + ")"
				}
			}
		}
	}
	return out
}
