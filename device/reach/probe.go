package reach

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// probe is a throw-away socket, for questions that the media port's own traffic would spoil.
type probe struct {
	*conn
	reading sync.WaitGroup
}

// openProbe opens a socket on any free port, on the media port's address.
func (p *Port) openProbe() (*probe, error) {
	open := p.cfg.Probe
	if open == nil {
		open = func() (net.PacketConn, error) {
			return net.ListenUDP("udp", &net.UDPAddr{IP: p.conn.local().Addr().AsSlice()})
		}
	}
	socket, err := open()
	if err != nil {
		return nil, fmt.Errorf("open probe: %w", err)
	}
	c := &probe{conn: newConn(socket)}
	c.reading.Go(c.read)
	return c, nil
}

// read takes answers to the probe's questions, and nothing else.
func (c *probe) read() {
	const most = 1500 // no answer is longer
	for b := make([]byte, most); ; {
		if _, _, err := c.ReadFromAddrPort(b); err != nil {
			return
		}
	}
}

func (c *probe) close() {
	_ = c.Close() // nothing is buffered that could be lost
	c.reading.Wait()
}

// withProbe runs a test on a throw-away socket.
func (p *Port) withProbe(ctx context.Context, test func(context.Context, *probe)) {
	c, err := p.openProbe()
	if err != nil {
		p.log.Debug("network not probed", "err", err)
		return
	}
	defer c.close()
	test(ctx, c)
}
