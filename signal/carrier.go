package signal

import (
	"net/netip"

	"github.com/sightline-rtc/sightline/protocol"
)

// socket carries a link's messages for a while. A door implements it. All methods are safe for concurrent use;
// Write blocks up to the write deadline, Close may be called more than once and does not wait for the peer. abort ends
// the connection, and whatever waits for it, at once.
type socket interface {
	Write(message []byte) error
	Close(code protocol.CloseCode, reason string)
	abort()
}

// puller is a socket whose peer comes for its messages: the hub does not write them, they stay in the link's queues.
type puller interface {
	socket
	// Wake says that something waits. It is called with the client's mu held.
	Wake()
}

// carrier is a socket under a link, with the reader that its door runs. The client's mu guards it.
type carrier struct {
	socket  socket // nil once left
	writing bool   // a goroutine is in write
	lost    bool   // nothing is written to it, nor taken from it, any more
	left    bool   // its reader has ended
	// What follows does not change: where it comes from, by which door, and why it is no WebSocket, nil if it is one.
	address   netip.Addr
	transport protocol.Transport
	fallback  *protocol.Fallback
	// prospect is what it needs to become its link's carrier; nil for one that its hello has made that.
	prospect *prospect
	why      *protocol.Error // the hub closed it, nil if it did not
	// parted is closed when the peer has been told why the hub closed the socket; nil until the hub does.
	parted chan struct{}
}

// loseLocked closes a socket of the link, which goes on without it.
func (c *client) loseLocked(k *carrier, why *protocol.Error) {
	if k.lost {
		return
	}
	k.lost, k.why = true, why
	if c.timer != nil {
		c.timer.Stop()
	}
	c.logger.Info("socket closed by the hub", "code", why.Code, "err", why)
	s, parted := k.socket, make(chan struct{})
	k.parted = parted
	c.hub.work.Go(func() {
		defer close(parted)
		farewell(s, why)
	})
}

// part waits until the peer has been told why the hub closed the socket, if it did.
func (c *client) part(k *carrier) {
	c.mu.Lock()
	parted := k.parted
	c.mu.Unlock()
	if parted != nil {
		<-parted
	}
}

// farewell sends the error that explains a close, then closes.
func farewell(s socket, why *protocol.Error) {
	if why.Code != protocol.CodeTooSlow {
		e := protocol.Must(protocol.TypeError, "", why)
		if message, err := e.Encode(); err == nil {
			_ = s.Write(message) // the socket is closed anyway
		}
	}
	s.Close(protocol.CloseFor(why.Code), why.Message)
}
