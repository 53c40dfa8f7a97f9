package protocol

import "time"

// Limits that both ends of a link keep. They are part of the protocol; welcome repeats those a client must know.
const (
	// MaxMessageBytes bounds one envelope on the wire.
	MaxMessageBytes = 64 << 10
	// MaxUnacked bounds the sequenced messages kept for replay, per link and direction.
	MaxUnacked = 256
	// MaxUnackedBytes bounds their total size.
	MaxUnackedBytes = 256 << 10
	// MaxEvents bounds the event messages queued for one link; what comes over it is told by a gap.
	MaxEvents = 128
	// MaxVolatile bounds the volatile messages queued for one link; the oldest goes first.
	MaxVolatile = 16
	// MaxPendingPerSession bounds the messages that wait behind an invite.
	MaxPendingPerSession = 64
	// MaxSDPBytes bounds one session description.
	MaxSDPBytes = 48 << 10
	// MaxCandidateBytes bounds one candidate line (RFC 8839 section 5.1).
	MaxCandidateBytes = 1 << 10
	// MaxSyncCandidates bounds the candidates of one sync.
	MaxSyncCandidates = 64
	// MaxTokenBytes bounds a token.
	MaxTokenBytes = 4 << 10
	// MaxNameBytes bounds every name that a person gives or reads.
	MaxNameBytes = 128
	// MaxICEServers bounds the ICE servers of one message.
	MaxICEServers = 16
	// MaxHosts bounds the hosts that a goaway names.
	MaxHosts = 16

	// CandidatesPerSecond and DescriptionsPerSecond bound what one session may send; the burst is twice as much.
	CandidatesPerSecond   = 20
	DescriptionsPerSecond = 5

	// DefaultMaxSessions is how many viewers a device serves when its hello does not say.
	DefaultMaxSessions = 8
)

// Default durations of the protocol. Servers may configure others; a client uses what welcome says.
const (
	// HelloTimeout is how long a new socket may stay silent before its hello.
	HelloTimeout = 5 * time.Second
	// PingInterval is the application ping interval of a link, PingIntervalBusy that of a viewer in a session.
	PingInterval     = 20 * time.Second
	PingIntervalBusy = 10 * time.Second
	// PingGrace is added to the interval before a silent peer counts as gone.
	PingGrace = 8 * time.Second
	// ResumeWindow is how long a link lives without a socket.
	ResumeWindow = 120 * time.Second
	// AckDelay and AckEvery bound how late an acknowledgement may be.
	AckDelay = time.Second
	AckEvery = 32
	// WriteTimeout bounds one write to a socket.
	WriteTimeout = 5 * time.Second
	// RelayDelay is how long a viewer tries without a relay first, where the direct path is preferred.
	RelayDelay = 700 * time.Millisecond
	// SessionLease is how long a session lives without extend.
	SessionLease = time.Hour
	// MediaTimeout ends a session of which neither end reports media.
	MediaTimeout = 120 * time.Second
	// MediaReport is the interval of stats{media:true} while media flows.
	MediaReport = 10 * time.Second
	// SuspectWindow is how long a device that lost its link counts as suspect rather than offline.
	SuspectWindow = 30 * time.Second
	// SuspectWait is how long an open waits for a suspect device.
	SuspectWait = 10 * time.Second
	// DeviceTokenLife is the longest life of a token that a device signs for itself.
	DeviceTokenLife = 60 * time.Second
)
