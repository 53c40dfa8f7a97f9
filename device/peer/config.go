package peer

import (
	"log/slog"
	"time"

	"github.com/pion/transport/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// Config is what a Host can be told. Its zero value is good.
type Config struct {
	// DisconnectedTimeout is how long nothing may come from the viewer before ICE counts as disconnected; 0 means
	// 5 s: two and a half keepalives.
	DisconnectedTimeout time.Duration
	// FailedTimeout is how long a disconnected ICE may take to come back by itself; 0 means 25 s, with which a phone
	// survives a change of networks without a new session. A first connection has both time-outs together.
	FailedTimeout time.Duration
	// Keepalive is the interval of STUN checks on a quiet pair; 0 means 2 s. Consent of RFC 7675 asks for 15 s or
	// less, and common NATs forget a mapping after 30 s.
	Keepalive time.Duration
	// RelayAfter is how long ICE may try before the device takes relays of its own and asks for an ICE restart; 0 means
	// 4 s. It counts from the answer, or from the viewer's newest candidate where signaling is slow, and is twice as
	// long at most. The viewer's relay, if it has one, has won long before. A quarter of it is enough while no STUN server
	// has answered, and nothing where UDP is known to be blocked and nothing leads to the device over TCP.
	RelayAfter time.Duration
	// RestartTimeout bounds the time from asking the viewer for an ICE restart to a connection; 0 means 20 s. What the
	// viewer's offer took to come is added.
	RestartTimeout time.Duration
	// OfferTimeout is how long a peer waits for its first offer; 0 means 30 s.
	OfferTimeout time.Duration
	// FormatTimeout is how long an offer waits for the first pictures, which say what profile to answer with; 0 means
	// 5 s, within which a camera is dialled and sends a keyframe. After it the answer assumes Constrained Baseline,
	// and the picture comes when the source does.
	FormatTimeout time.Duration
	// HandshakeTimeout bounds DTLS after ICE has connected; 0 means 15 s: four retransmissions of RFC 6347 (1, 2, 4,
	// 8 s).
	HandshakeTimeout time.Duration
	// ReportInterval is how often stats are told while packets flow; 0 means protocol.MediaReport.
	ReportInterval time.Duration
	// Net is the network that relays are reached through; nil means the kernel's.
	Net transport.Net
	// Logger gets what a person may want to know; nil means silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	for d, standard := range map[*time.Duration]time.Duration{
		&c.DisconnectedTimeout: 5 * time.Second,
		&c.FailedTimeout:       25 * time.Second,
		&c.Keepalive:           2 * time.Second,
		&c.RelayAfter:          4 * time.Second,
		&c.RestartTimeout:      20 * time.Second,
		&c.OfferTimeout:        30 * time.Second,
		&c.FormatTimeout:       5 * time.Second,
		&c.HandshakeTimeout:    15 * time.Second,
		&c.ReportInterval:      protocol.MediaReport,
	} {
		if *d == 0 {
			*d = standard
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
