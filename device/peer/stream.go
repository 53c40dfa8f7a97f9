package peer

// Stream is where a peer takes its picture and sound from; media.Stream is one.
type Stream interface{}
