package turn

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"
)

// The functions of this file are called by pion/turn, some of them while it holds its own locks: none calls back into it.

// authenticate finds the key of a username, with which pion/turn then checks the message. Only an Allocate asks whether
// the credentials have expired; later requests need the grant to be alive. The methods of RFC 6062 are not served.
func (s *Server) authenticate(request *pionturn.RequestAttributes) (user string, key []byte, ok bool) {
	result := "known"
	defer func() { s.counts.auth.WithLabelValues(result).Inc() }()

	name, password, err := s.keys.Verify(request.Username)
	if err != nil {
		result = "malformed"
		return "", nil, false
	}
	now, alive := time.Now(), false
	switch request.Method {
	case stun.MethodAllocate:
		if !now.Before(name.Expires) || !s.keys.allocates(name.Key, now) {
			result = "expired"
			return "", nil, false
		}
		alive = s.grants.admit(context.Background(), name.Grant, now)
	case stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind:
		alive = s.grants.alive(name.Grant, now)
	}
	if !alive {
		result = "ended"
		return "", nil, false
	}
	return name.User(), pionturn.GenerateAuthKey(request.Username, s.realm, password), true
}

// quota reports whether the user may have one more allocation. The generator makes sure; this one makes the answer a
// 486 (RFC 8656 section 7.2).
func (s *Server) quota(user, _ string, _ net.Addr) bool {
	grant, _, err := parseUser(user)
	return err == nil && !s.grants.full(grant)
}

// permit returns what decides about permissions and channels of a listener's clients (RFC 8656 sections 10.2 and 12.2).
// The gate has decided the same before, with a better answer: this is the second lock on the door. It knows no port: the
// relay judges each packet again.
func (s *Server) permit(transport string, server netip.AddrPort) pionturn.PermissionHandler {
	return func(from net.Addr, ip net.IP) bool {
		addr, _ := netip.AddrFromSlice(ip)
		addr = addr.Unmap()
		r, adding := s.relays.of(flow{transport, addrPort(from), server})
		if r == nil {
			return false
		}
		adding.close()
		result, granted := judgePermission(r, addr)
		s.counts.permissions.WithLabelValues(result).Inc()
		if granted && !r.isPermitted(addr) {
			adding.open(addr)
		}
		return granted
	}
}

func judgePermission(r *relay, addr netip.Addr) (result string, granted bool) {
	why, seen := r.judgeAddress(addr)
	switch {
	case why == refusedStranger:
		return "stranger", false
	case why != allowed:
		return "refused", false
	case !r.mayPermit(addr):
		return "full", false
	case seen == sightFree:
		return "unbound", true
	case seen == sightNone:
		return "unexpected", true
	}
	return "expected", true
}

// events tells relays about their client and their permissions.
func (s *Server) events() pionturn.EventHandler {
	return pionturn.EventHandler{
		OnAllocationCreated: func(from, at net.Addr, _, _, _ string, relayed net.Addr, _ int) {
			if r := s.relays.at(addrPort(relayed)); r != nil {
				s.bindClient(r, from, at)
			}
		},
		OnAllocationError: func(_, _ net.Addr, _, message string) {
			s.log.Debug("turn request refused", "err", message)
		},
		OnPermissionCreated: func(_, _ net.Addr, _, _, _ string, relayed net.Addr, peer net.IP) {
			if r, addr := s.permission(relayed, peer); r != nil {
				r.permit(addr)
			}
		},
		OnPermissionDeleted: func(_, _ net.Addr, _, _, _ string, relayed net.Addr, peer net.IP) {
			if r, addr := s.permission(relayed, peer); r != nil {
				if adding := s.relays.windowOf(r); adding != nil {
					adding.wait(addr)
				}
				r.forbid(addr)
			}
		},
		OnChannelCreated: func(_, _ net.Addr, _, _, _ string, relayed, peer net.Addr, number uint16) {
			if r := s.relays.at(addrPort(relayed)); r != nil {
				r.channel(number, addrPort(peer))
			}
		},
		OnChannelDeleted: func(_, _ net.Addr, _, _, _ string, relayed, _ net.Addr, number uint16) {
			if r := s.relays.at(addrPort(relayed)); r != nil {
				r.unchannel(number)
			}
		},
	}
}

func (s *Server) permission(relayed net.Addr, peer net.IP) (*relay, netip.Addr) {
	addr, _ := netip.AddrFromSlice(peer)
	return s.relays.at(addrPort(relayed)), addr.Unmap()
}

// bindClient ties a new relay to its client.
func (s *Server) bindClient(r *relay, from, at net.Addr) {
	c := client{flow: flow{r.transport, addrPort(from), addrPort(at)}}
	var fast lane
	c.window, c.stream, fast = s.legOf(c.flow)
	if c.window == nil {
		return
	}
	if c.stream != nil {
		c.stream.allocate()
	}
	bound := s.relays.bind(r, c)
	if !bound && c.stream != nil {
		c.stream.release(time.Now())
	}
	if bound && fast != nil {
		r.joinLane(fast, c.flow.client)
	}
	if r.isEnded() {
		// Its grant has ended meanwhile, when there was no stream to tell.
		s.releaseStream(r)
	}
}

// legOf returns the window of who serves a client, and its stream unless it came by UDP; then its lane, if there is one. The
// window is nil when the client has gone.
func (s *Server) legOf(f flow) (*window, *stream, lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.transport != transportUDP {
		for _, l := range s.streams {
			if stream := l.of(f.client); stream != nil && l.at == f.server {
				return &stream.adding, stream, nil
			}
		}
		return nil, nil, nil
	}
	for i, d := range s.doors {
		if d.addr == f.server {
			return &s.datagrams[i].adding, nil, s.datagrams[i].lane
		}
	}
	return nil, nil, nil
}
