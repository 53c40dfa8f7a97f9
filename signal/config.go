package signal

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// Config is what a hub can be told. Directory, Sessions, Relay and Tokens must be set; every other zero value is a
// good default.
type Config struct {
	Directory directory
	Sessions  sessions
	Relay     relay
	Tokens    tokens
	// Plans says how sessions of projects may go; nil means that nothing bounds them.
	Plans plans
	// Grants says which devices are shared between projects, and how sessions of devices may go; nil means none, and as their
	// projects say.
	Grants grants

	// Node names this process.
	Node protocol.NodeID
	// Audience says whether a device's token names this hub by one of its URLs; nil means that any will do.
	Audience func(url string) bool
	// Origins are the web origins, besides the hub's own, whose pages may open a link; "*" means all.
	Origins []string
	// ClientAddress tells where a request comes from, past trusted proxies; nil means its RemoteAddr.
	ClientAddress func(*http.Request) netip.Addr

	// Link has the timing of the links.
	Link link.Config
	// PingBusy is the ping interval of a viewer in a session; 0 means protocol.PingIntervalBusy.
	PingBusy time.Duration
	// PollWait is how long a poll waits for something to say; 0 means protocol.PollWait. PollPing is the ping interval on
	// that door, with Link.Grace how long a client may be without a poll; 0 means protocol.PingIntervalPoll.
	PollWait, PollPing time.Duration
	// HelloTimeout is how long a socket may stay without its hello; 0 means protocol.HelloTimeout.
	HelloTimeout time.Duration
	// WriteTimeout bounds one write to a socket; 0 means protocol.WriteTimeout.
	WriteTimeout time.Duration
	// ResumeWindow is how long a link lives without a socket; 0 means protocol.ResumeWindow.
	ResumeWindow time.Duration
	// MaxParked bounds the links that live without a socket, and how many ended ones are remembered; over it the oldest
	// goes. 0 means 16384: as many as come back at once when a node of that size loses its network.
	MaxParked int
	// Lease is how long a session lives without extend; 0 means protocol.SessionLease.
	Lease time.Duration
	// MediaTimeout ends a session of which neither end reports media, and is the least that is left of a lease when
	// the hub starts; 0 means protocol.MediaTimeout.
	MediaTimeout time.Duration
	// SuspectWindow and SuspectWait are for devices that lost their link; 0 means the protocol's.
	SuspectWindow, SuspectWait time.Duration
	// CredentialRefresh is how often relay credentials are renewed; 0 means 3 min, well within their 5 min of life.
	CredentialRefresh time.Duration
	// AcceptRate is how many links a second the hub takes, and wants to take back after a stop: goaway spreads its clients
	// so. 0 means 500: a hello with its row in the store takes under a millisecond of one CPU (docs/benchmarks.md).
	// AcceptBurst is how many at once; 0 means a fifth of the rate.
	AcceptRate  float64
	AcceptBurst int
	// AddressRate and AddressBurst are the same for one address, or IPv6 /64; 0 means 20 and 10 s of the rate: an office or
	// a carrier's NAT whose clients all come back together.
	AddressRate  float64
	AddressBurst int
	// ProjectRate is the same for the new links of one project; 0 means that a project may have all of AcceptRate.
	ProjectRate float64
	// MaxStrangers bounds the sockets that have not said hello; 0 means as many as AcceptRate brings in HelloTimeout.
	MaxStrangers int
	// QueueBytes bounds what the queues of all links hold, those of links without a socket too; 0 means 256 MiB. At 80 % of it
	// volatile messages go, at 90 % the longest queues with their links, at 95 % newcomers are refused.
	QueueBytes int64
	// AlbumBytes bounds what the newest still pictures of devices take; 0 means 64 MiB.
	AlbumBytes int64
	// DrainDeadline bounds the spread, however many links there are, and how long clients have to leave for Hosts. 0, or
	// more than three quarters of MediaTimeout, means half of that: a restarted hub must not have ended the sessions of
	// those who come last.
	DrainDeadline time.Duration
	// GoawayGrace is how long a hub that stops and has no Hosts to name waits until its clients have taken the goaway;
	// 0 means 1 s.
	GoawayGrace time.Duration
	// Hosts are other doors, as host or host:port, where the clients of a hub that stops can go at once; those over
	// protocol.MaxHosts are left out. None means that they come back here.
	Hosts []string
	// STUN lists the URLs of other STUN servers than the relay's (RFC 7064), which clients are given too: the operator's, and the
	// relay's at another port, from which one behind a NAT sees whether it gives each destination a port of its own.
	STUN []string
	// DeviceSTUN lists more that devices alone are told, after those: pages had better not ask many.
	DeviceSTUN []string

	// NoFillIn leaves viewers' candidates as they are: no address that a link comes from is put into hidden ones.
	NoFillIn bool

	// Logger gets what a person may want to know; nil means silence.
	Logger *slog.Logger
}

const (
	defaultMaxParked   = 16 << 10
	defaultAcceptRate  = 500
	defaultAddressRate = 20
	defaultQueueBytes  = 256 << 20
)

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.PingBusy, protocol.PingIntervalBusy},
		{&c.PollWait, protocol.PollWait},
		{&c.PollPing, protocol.PingIntervalPoll},
		{&c.HelloTimeout, protocol.HelloTimeout},
		{&c.WriteTimeout, protocol.WriteTimeout},
		{&c.ResumeWindow, protocol.ResumeWindow},
		{&c.Lease, protocol.SessionLease},
		{&c.MediaTimeout, protocol.MediaTimeout},
		{&c.SuspectWindow, protocol.SuspectWindow},
		{&c.SuspectWait, protocol.SuspectWait},
		{&c.CredentialRefresh, 3 * time.Minute},
		{&c.GoawayGrace, time.Second},
		{&c.Link.Ping, protocol.PingInterval},
		{&c.Link.Grace, protocol.PingGrace},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.MaxParked == 0 {
		c.MaxParked = defaultMaxParked
	}
	if c.QueueBytes <= 0 {
		c.QueueBytes = defaultQueueBytes
	}
	if c.AlbumBytes <= 0 {
		c.AlbumBytes = defaultAlbumBytes
	}
	c.Hosts = c.Hosts[:min(len(c.Hosts), protocol.MaxHosts)]
	c.admissionDefaults()
	if c.DrainDeadline <= 0 || c.DrainDeadline > c.MediaTimeout*3/4 {
		c.DrainDeadline = c.MediaTimeout / 2
	}
	if c.Audience == nil {
		c.Audience = func(string) bool { return true }
	}
	if c.ClientAddress == nil {
		c.ClientAddress = remoteAddress
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c *Config) admissionDefaults() {
	if c.AcceptRate <= 0 {
		c.AcceptRate = defaultAcceptRate
	}
	if c.AcceptBurst == 0 {
		c.AcceptBurst = burstOf(c.AcceptRate)
	}
	if c.AddressRate <= 0 {
		c.AddressRate = defaultAddressRate
	}
	if c.AddressBurst == 0 {
		c.AddressBurst = max(1, int(10*c.AddressRate))
	}
	if c.MaxStrangers == 0 {
		c.MaxStrangers = c.AcceptBurst + int(c.AcceptRate*c.HelloTimeout.Seconds())
	}
}

func remoteAddress(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}
