package health

import "rondo.dev/rondo/render"

// Status is the health of an object, in kstatus' words.
type Status string

const (
	Current     Status = "Current"
	InProgress  Status = "InProgress"
	Failed      Status = "Failed"
	Terminating Status = "Terminating"
	NotFound    Status = "NotFound"
	Unknown     Status = "Unknown"
)

// Item is the health of one object.
type Item struct {
	ID      render.ID `json:"id"`
	Status  Status    `json:"status"`
	Message string    `json:"message,omitempty"` // one sentence: "1 of 2 pods available"
	// Event is the last warning event of the object or its pods; only asked for
	// when a wait failed.
	Event string `json:"event,omitempty"`
}

// Report is the health of all objects of an application.
type Report struct {
	Items []Item `json:"items"`
	Worst Status `json:"worst"`
	// Sentence names the first object that is not Current, and why; for a
	// healthy application it counts what is.
	Sentence string `json:"sentence"`
}
