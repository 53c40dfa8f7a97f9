//go:build linux

package turnload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// channel is the one channel of an allocation (RFC 8656 section 12).
	channel = 0x4000
	// lifetime is what a client asks for its allocation: what most servers give.
	lifetime = 10 * time.Minute
	// retransmission is the pause before a request is sent again, doubled each time, attempts how often it is sent (RFC
	// 8489 section 6.2.1).
	retransmission = 500 * time.Millisecond
	attempts       = 5
	// challenges is how often a server may ask for other credentials than it was given, or for another nonce.
	challenges = 3
)

// wire is a client's way to its server.
type wire interface {
	// send sends a STUN message.
	send(message []byte) error
	// burst sends channel data and returns how many packets of it have left.
	burst(*burst) (int, error)
	// reliable says that nothing has to be sent again.
	reliable() bool
	close()
}

// client is the client of one allocation. Safe for concurrent use.
type client struct {
	credentials Credentials
	wire        wire
	answers     chan []byte // has room for one

	// mu guards the fields below, and is held for the length of a request: there is one at a time.
	mu    sync.Mutex
	realm stun.Realm
	nonce stun.Nonce
}

func newClient(credentials Credentials) *client {
	return &client{credentials: credentials, answers: make(chan []byte, 1)}
}

// answered takes a STUN message from the server. Nobody waits for more than one.
func (c *client) answered(message []byte) {
	select {
	case c.answers <- append([]byte(nil), message...):
	default:
	}
}

// allocate asks for a relay and returns its address (RFC 8656 section 7).
func (c *client) allocate(ctx context.Context) (netip.AddrPort, error) {
	const overUDP = 17
	answer, err := c.request(ctx, stun.MethodAllocate, attribute{stun.AttrRequestedTransport, []byte{overUDP, 0, 0, 0}}, seconds(lifetime))
	if err != nil {
		return netip.AddrPort{}, err
	}
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the relayed address: %w", err)
	}
	addr, _ := netip.AddrFromSlice(relayed.IP)
	return netip.AddrPortFrom(addr.Unmap(), uint16(relayed.Port)), nil //nolint:gosec // a port
}

// bind binds the channel to the peer, which permits it as well (RFC 8656 section 12).
func (c *client) bind(ctx context.Context, peer netip.AddrPort) error {
	number := binary.BigEndian.AppendUint16(nil, channel)
	_, err := c.request(ctx, stun.MethodChannelBind, attribute{stun.AttrChannelNumber, append(number, 0, 0)}, peerAddress(peer))
	return err
}

// refresh prolongs the allocation, or ends it (RFC 8656 section 8).
func (c *client) refresh(ctx context.Context, life time.Duration) error {
	_, err := c.request(ctx, stun.MethodRefresh, seconds(life))
	return err
}

func (c *client) request(ctx context.Context, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range challenges {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, c.sign(attributes)...)...)
		if err != nil {
			return nil, err
		}
		answer, err := c.exchange(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", method, err)
		}
		if answer.Type.Class == stun.ClassSuccessResponse {
			return answer, nil
		}
		var refusal stun.ErrorCodeAttribute
		if err := refusal.GetFrom(answer); err != nil {
			return nil, fmt.Errorf("read the refusal of %s: %w", method, err)
		}
		if refusal.Code != stun.CodeUnauthorized && refusal.Code != stun.CodeStaleNonce {
			return nil, fmt.Errorf("ask for %s: %s", method, refusal)
		}
		if err := answer.Parse(&c.realm, &c.nonce); err != nil {
			return nil, fmt.Errorf("read the challenge to %s: %w", method, err)
		}
	}
	return nil, fmt.Errorf("ask for %s: the credentials are refused", method)
}

// sign adds what authenticates a request, once the server has said how.
func (c *client) sign(attributes []stun.Setter) []stun.Setter {
	if c.nonce == nil {
		return attributes
	}
	u, p := c.credentials.Username, c.credentials.Password
	return append(attributes[:len(attributes):len(attributes)],
		stun.NewUsername(u), c.realm, c.nonce, stun.NewLongTermIntegrity(u, c.realm.String(), p))
}

// exchange sends a request until its answer comes.
func (c *client) exchange(ctx context.Context, m *stun.Message) (*stun.Message, error) {
	wait := retransmission
	for n := range attempts {
		if n == 0 || !c.wire.reliable() {
			if err := c.wire.send(m.Raw); err != nil {
				return nil, err
			}
		}
		answer, err := c.answerTo(ctx, m, wait)
		if answer != nil || err != nil {
			return answer, err
		}
		wait *= 2
	}
	return nil, errors.New("no answer")
}

// answerTo returns nil when no answer comes in time.
func (c *client) answerTo(ctx context.Context, m *stun.Message, wait time.Duration) (*stun.Message, error) {
	timeout := time.After(wait)
	for {
		select {
		case raw := <-c.answers:
			answer := &stun.Message{Raw: raw}
			if answer.Decode() == nil && answer.TransactionID == m.TransactionID {
				return answer, nil
			}
		case <-timeout:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// attribute is a STUN attribute as raw bytes.
type attribute struct {
	kind  stun.AttrType
	value []byte
}

// AddTo implements stun.Setter.
func (a attribute) AddTo(m *stun.Message) error {
	m.Add(a.kind, a.value)
	return nil
}

func seconds(d time.Duration) attribute {
	return attribute{stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, uint32(d.Seconds()))}
}

// peerAddress is an XOR-PEER-ADDRESS.
type peerAddress netip.AddrPort

// AddTo implements stun.Setter.
func (p peerAddress) AddTo(m *stun.Message) error {
	at := netip.AddrPort(p)
	return stun.XORMappedAddress{IP: at.Addr().AsSlice(), Port: int(at.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}
