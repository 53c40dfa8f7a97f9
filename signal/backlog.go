package signal

import "github.com/sightline-rtc/sightline/protocol"

// maxBacklogBytes bounds one session's backlog: less than the session's share of the device's link (link.Link.Share).
const maxBacklogBytes = protocol.MaxPendingPerSession << 10

// backlog keeps what a viewer sends of a session behind the invite that could not go out yet. Hub.mu guards it.
type backlog struct {
	messages []protocol.Envelope
	bytes    int
}

// add keeps a message. It fails with CodeRateLimited when too much waits.
func (b *backlog) add(e protocol.Envelope) error {
	if len(b.messages) >= protocol.MaxPendingPerSession || b.bytes+len(e.Data) > maxBacklogBytes {
		return protocol.Errorf(protocol.CodeRateLimited, "too many messages wait for the camera")
	}
	b.messages = append(b.messages, e)
	b.bytes += len(e.Data)
	return nil
}

// replace keeps a session's candidates instead of what waits.
func (b *backlog) replace(id protocol.SessionID, candidates []protocol.Candidate) {
	b.take()
	for i := range candidates {
		if b.add(protocol.Must(protocol.TypeCandidate, id, &candidates[i])) != nil {
			return // MaxSyncCandidates fit, unless they are abnormally long
		}
	}
}

// take empties the backlog.
func (b *backlog) take() []protocol.Envelope {
	messages := b.messages
	*b = backlog{}
	return messages
}
