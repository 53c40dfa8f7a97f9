package protocol

import "time"

const (
	// SnapshotPath is where a device puts the picture that a capture asks for, and with "/" and a device where viewers get
	// the newest.
	SnapshotPath = LinkPath + "/snapshot"
	// SnapshotAge is how old a still picture may be when it is given away.
	SnapshotAge = 10 * time.Second
	// SnapshotWait is how long a viewer waits for one.
	SnapshotWait = 3 * time.Second
)
