package record

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Enrolment is a code with which one device joins a project, or a batch of them from a production line.
type Enrolment struct {
	ID      string
	Project protocol.ProjectID
	// Name is the name that the device gets. In a batch it is what a device is called that brings no name, with its number
	// behind it.
	Name string
	// Hash is the SHA-256 of the code.
	Hash    []byte
	Created time.Time
	Expires time.Time
	// Count is how many devices the code is for; 1 is no batch.
	Count int
	// Made is how many of them have joined.
	Made int
	// Models are those that may join; none is any.
	Models []string
	// Device is who joined last; empty while nobody has. Used is when.
	Device protocol.DeviceID
	Used   time.Time
}

// Batch reports whether the code is for more than one device.
func (e *Enrolment) Batch() bool { return e.Count > 1 }

// Allows reports whether a device of a model may join.
func (e *Enrolment) Allows(model string) bool {
	return len(e.Models) == 0 || slices.Contains(e.Models, model)
}
