package peer

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxConnections bounds the TCP connections that are open at once: two for each of the most viewers that a device
	// serves usually, and as many again that are only trying.
	maxConnections = 64
	// maxConnectionsPerAddress is how many of them may come from one address: the candidates of several viewers in one home.
	maxConnectionsPerAddress = 16
	// firstFrame is how long a connection may take to say which session it is for, silence how long it may say nothing
	// later: browsers check every 2.5 s.
	firstFrame = 5 * time.Second
	// shyTime is how long it may take where there is no room: who has stood there longest makes way for the next.
	shyTime = time.Second
	silence = 30 * time.Second
	// stalled is how long a packet may take to leave.
	stalled = 10 * time.Second
)

// doorway is the TCP listener of the media port, for strangers: it bounds how many of them stand in it, and how long.
type doorway struct {
	net.Listener

	mu sync.Mutex // guards what follows
	// inside counts the connections of each address, open has them all.
	inside map[netip.Addr]int
	open   map[*visit]struct{}
	closed bool
}

func newDoorway(l net.Listener) *doorway {
	return &doorway{Listener: l, inside: make(map[netip.Addr]int), open: make(map[*visit]struct{})}
}

// Accept returns the next connection for which there is room; others are closed.
func (d *doorway) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v, out := d.enter(conn)
		if out != nil {
			_ = out.Close()
		}
		if v != nil {
			return v, nil
		}
		_ = conn.Close()
	}
}

// enter returns nil when there is no room, and who has to go so that there is.
func (d *doorway) enter(conn net.Conn) (in, out *visit) {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nil, nil
	}
	from := tcp.AddrPort().Addr().Unmap().WithZone("")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.inside[from] >= maxConnectionsPerAddress {
		return nil, nil
	}
	if len(d.open) >= maxConnections {
		if out = d.shyest(); out == nil {
			return nil, nil
		}
		d.forget(out)
	}
	v := &visit{Conn: conn, doorway: d, from: from, since: time.Now()}
	d.inside[from]++
	d.open[v] = struct{}{}
	return v, out
}

// shyest returns the connection that has said nothing for longest, nil if none has for shyTime. It needs mu.
func (d *doorway) shyest() *visit {
	var first *visit
	for v := range d.open {
		if !v.known.Load() && time.Since(v.since) >= shyTime && (first == nil || v.since.Before(first.since)) {
			first = v
		}
	}
	return first
}

// leave makes room again.
func (d *doorway) leave(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(v)
}

// forget needs mu.
func (d *doorway) forget(v *visit) {
	if _, ok := d.open[v]; !ok {
		return
	}
	delete(d.open, v)
	if d.inside[v.from]--; d.inside[v.from] == 0 {
		delete(d.inside, v.from)
	}
}

// Close closes the listener and all connections.
func (d *doorway) Close() error {
	d.mu.Lock()
	d.closed = true
	open := make([]*visit, 0, len(d.open))
	for v := range d.open {
		open = append(open, v)
	}
	d.mu.Unlock()
	for _, v := range open {
		_ = v.Close()
	}
	return d.Listener.Close()
}

// visit is one connection.
type visit struct {
	net.Conn
	doorway *doorway
	from    netip.Addr
	since   time.Time
	// known says that the first frame has come.
	known atomic.Bool
}

// Read ends a connection that says nothing for too long. The time of the first frame is the mux's business.
func (v *visit) Read(b []byte) (int, error) {
	if v.known.Load() {
		if err := v.Conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return 0, err
		}
	}
	return v.Conn.Read(b)
}

// SetReadDeadline implements net.Conn. The mux takes its deadline away when the first frame has come.
func (v *visit) SetReadDeadline(t time.Time) error {
	v.known.Store(t.IsZero())
	return v.Conn.SetReadDeadline(t)
}

// Write gives up a connection that takes nothing: half a packet in its stream would be the end of it anyway.
func (v *visit) Write(b []byte) (int, error) {
	if err := v.Conn.SetWriteDeadline(time.Now().Add(stalled)); err != nil {
		return 0, err
	}
	n, err := v.Conn.Write(b)
	if err != nil {
		_ = v.Close()
	}
	return n, err
}

// Close implements net.Conn.
func (v *visit) Close() error {
	v.doorway.leave(v)
	return v.Conn.Close()
}
