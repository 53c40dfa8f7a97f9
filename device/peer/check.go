package peer

import (
	"fmt"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// credentials are those of an ICE generation that a check needs (RFC 8445 section 7.2.2).
type credentials struct {
	// local and remote are the username fragments, password is the viewer's.
	local, remote, password string
	tieBreaker              uint64
}

// reflexivePriority is that of the peer-reflexive candidate which a check may make the viewer learn (RFC 8445 section
// 7.1.1): type preference 110, the highest local preference, component 1.
const reflexivePriority = 110<<24 | 65535<<8 | 255

// request builds one connectivity check of a controlled agent, as ICE itself would send it. The viewer answers, and
// checks back over the same way, which makes a pair of it.
func (c credentials) request() ([]byte, error) {
	message, err := stun.Build(
		stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(c.remote+":"+c.local),
		ice.AttrControlled(c.tieBreaker),
		ice.PriorityAttr(reflexivePriority),
		stun.NewShortTermIntegrity(c.password),
		stun.Fingerprint,
	)
	if err != nil {
		return nil, fmt.Errorf("build check: %w", err)
	}
	return message.Raw, nil
}
