package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Door is one open transport under a link. Read and Write may be called at the same time, each by one goroutine. The end
// of their context ends the door.
type Door interface {
	// Transport is which door it is.
	Transport() protocol.Transport
	// Read returns the hub's next message, or nil when the hub was heard and had nothing to say. It fails with a
	// *Closed when the hub has ended the door, and with a *Failure when it was lost.
	Read(ctx context.Context) ([]byte, error)
	// Write sends messages of together at most MaxWriteBytes, in order. received is the highest sequence number that
	// the hub says it has taken over; 0 says nothing. The errors are those of Read.
	Write(ctx context.Context, messages ...[]byte) (received uint64, err error)
	// Close gives back what the door holds. It says nothing to the hub, and ends a Read of a WebSocket.
	Close() error
}

// MaxWriteBytes is the most that one Write may send: with the commas and the frame of a parcel it stays below
// protocol.MaxParcelBytes.
const MaxWriteBytes = protocol.MaxParcelBytes - 4<<10

// Config is what a dialer needs to know. Hub must be set; every other zero value is a good default.
type Config struct {
	// Hub is the server's base URL, http or https.
	Hub *url.URL
	// TLS is for hubs with a certificate of their own authority; nil means the system's authorities.
	TLS *tls.Config
	// Client makes the requests of the long poll; nil means one of NewClient with TLS. It must not follow redirects.
	Client *http.Client
	// DialTimeout bounds the way to a socket that is upgraded, and to the answer of a request that need not wait; 0 means
	// 10 s: two lost packets on the way cost 3 s each.
	DialTimeout time.Duration
	// HelloTimeout bounds the wait for the welcome; 0 means protocol.HelloTimeout.
	HelloTimeout time.Duration
	// PollTimeout bounds one poll; 0 means 35 s: the hub answers within protocol.PollWait.
	PollTimeout time.Duration
	// Retry is the first wait before a request of the long poll that got no answer is repeated, which doubles each time;
	// 0 means 250 ms. After Retries of them, 0 means 3, the door is lost.
	Retry   time.Duration
	Retries int
	// CutAfter is how long a poll must have waited for its loss to say nothing about the hub; 0 means 1 s.
	CutAfter time.Duration
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.DialTimeout, 10 * time.Second},
		{&c.HelloTimeout, protocol.HelloTimeout},
		{&c.PollTimeout, protocol.PollWait + 10*time.Second},
		{&c.Retry, 250 * time.Millisecond},
		{&c.CutAfter, time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.Retries == 0 {
		c.Retries = 3
	}
	if c.Client == nil {
		c.Client = NewClient(c.TLS)
	}
	return c
}

// NewClient makes a client for requests to a hub: with the proxy of the environment, and without following redirects,
// which would turn a POST into a GET.
func NewClient(settings *tls.Config) *http.Client {
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.TLSClientConfig = settings.Clone()
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Dialer opens doors to one hub. It is safe for concurrent use.
type Dialer struct{ config Config }

// NewDialer makes a dialer. It does no I/O.
func NewDialer(config Config) *Dialer { return &Dialer{config.withDefaults()} }

// At returns a dialer to another hub, otherwise the same.
func (d *Dialer) At(hub *url.URL) *Dialer {
	config := d.config
	config.Hub = hub
	return &Dialer{config}
}

// Hub is the base URL of the hub that the dialer dials. It must not be changed.
func (d *Dialer) Hub() *url.URL { return d.config.Hub }

// Forget closes the connections that wait for another request, as after a change of network, which leaves them dead.
func (d *Dialer) Forget() { d.config.Client.CloseIdleConnections() }

// Open opens a door, says hello and waits for the welcome. received tells the highest sequence number that the caller has
// taken over from the hub: each poll acknowledges it; the WebSocket does not ask. It fails with a *Closed when the hub
// refuses the hello, and with a *Failure when the door does not open or brings no welcome. The end of the context ends
// the attempt, not the door.
func (d *Dialer) Open(
	ctx context.Context, transport protocol.Transport, hello *protocol.Hello, received func() uint64,
) (Door, *protocol.Welcome, error) {
	envelope := protocol.Must(protocol.TypeHello, "", hello)
	message, err := envelope.Encode()
	if err != nil {
		return nil, nil, fmt.Errorf("encode hello: %w", err)
	}
	if transport == protocol.TransportLongPoll {
		return d.openLongPoll(ctx, message, received)
	}
	return d.openWebSocket(ctx, message)
}

// Try finds out whether the hub can be heard through a door, without a link: it says a hello of no version and waits to be
// refused. It fails with a *Failure, or with a *Closed when the hub refuses for another reason.
func (d *Dialer) Try(ctx context.Context, transport protocol.Transport) error {
	opened, _, err := d.Open(ctx, transport, &protocol.Hello{Role: protocol.RoleViewer}, func() uint64 { return 0 })
	if err == nil {
		return opened.Close()
	}
	var said *Closed
	if errors.As(err, &said) && said.Err != nil && said.Err.Code == protocol.CodeVersion {
		return nil
	}
	return err
}

// readWelcome reads the hub's first message.
func readWelcome(message []byte) (*protocol.Welcome, error) {
	_, body, err := protocol.Decode(message)
	if err != nil {
		return nil, silent("the hub's first message makes no sense", err)
	}
	switch m := body.(type) {
	case *protocol.Welcome:
		return m, nil
	case *protocol.Error:
		return nil, &Closed{Code: protocol.CloseFor(m.Code), Err: m}
	}
	return nil, silent("the hub's first message was no welcome", nil)
}
