package peer

// pathState is what is known of how much a path carries.
type pathState struct {
	// estimate is in bits per second: at least this. 0 means that the viewer says nothing.
	estimate int
	// congested says that more is sent now than gets through at once, full that this has been so.
	congested, full bool
	// loss is the share of packets that were lost of late.
	loss float64
}
