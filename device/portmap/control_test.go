package portmap

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sightline-rtc/sightline/protocol"
)

var anAsk = ask{transport: udp, internal: 5000, lifetime: time.Hour}

// speakers are the two protocols of the control port, with a router that speaks just that one.
var speakers = []struct {
	name   string
	answer func(*box, []byte) [][]byte
	speak  func(control) router
}{
	{"pcp", (*box).answerPCP, func(c control) router { return &pcp{control: c, seed: []byte("seed")} }},
	{"nat-pmp", (*box).answerNATPMP, func(c control) router { return &natpmp{control: c} }},
}

// eachSpeaker runs a test for either protocol.
func eachSpeaker(t *testing.T, test func(t *testing.T, b *box, r router)) {
	t.Helper()
	for _, s := range speakers {
		t.Run(s.name, func(t *testing.T) {
			b := newBox()
			test(t, b, s.speak(controlServer(t, func(request []byte) [][]byte { return s.answer(b, request) })))
		})
	}
}

func TestAPortIsMappedRenewedAndRemoved(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		want := lease{transport: udp, internal: 5000, external: netip.MustParseAddrPort("5.6.7.8:5000"), lifetime: time.Hour}
		for range 2 {
			got := opened(t, r, anAsk, wished(5000))
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(lease{}), cmpopts.IgnoreFields(lease{}, "given"), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Errorf("lease (-want +got):\n%s", diff)
			}
			if got := b.external(protocolUDP, 5000); got != 5000 {
				t.Errorf("the router maps to %d, want 5000", got)
			}
		}
		if err := r.remove(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got := b.external(protocolUDP, 5000); got != 0 {
			t.Errorf("the router still maps to %d after the removal", got)
		}
	})
}

func TestTCPGetsTheFirstWishThatIsFree(t *testing.T) {
	wishes := []netip.AddrPort{wished(443)[0], wished(5000)[0]}
	tests := []struct {
		name  string
		taken []uint16
		want  uint16
	}{
		{"all free", nil, 443},
		{"443 taken", []uint16{443}, 5000},
		{"both taken", []uint16{443, 5000}, 6024},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachSpeaker(t, func(t *testing.T, b *box, r router) {
				for _, port := range tt.taken {
					b.change(func(b *box) { b.taken[port] = true })
				}
				got := opened(t, r, ask{transport: tcp, internal: 5000, lifetime: time.Hour}, wishes)
				if got.external.Port() != tt.want || b.external(protocolTCP, 5000) != tt.want {
					t.Errorf("mapped to %d, the router to %d, want %d", got.external.Port(), b.external(protocolTCP, 5000), tt.want)
				}
			})
		})
	}
}

func TestARestartOfTheRouterIsNoticed(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		l := opened(t, r, anAsk, wished(5000))
		if err := r.check(t.Context(), []lease{l}); err != nil {
			t.Errorf("check of a router that goes on: %v", err)
		}
		b.restart()
		if err := r.check(t.Context(), []lease{l}); !errors.Is(err, errLost) {
			t.Errorf("check after a restart: got %v, want %v", err, errLost)
		}
	})
}

func TestANewAddressOutsideIsNoticed(t *testing.T) {
	b := newBox()
	r := &natpmp{control: controlServer(t, b.answerNATPMP)}
	l := opened(t, r, anAsk, wished(5000))
	b.change(func(b *box) { b.address = netip.MustParseAddr("5.6.7.9") })
	if err := r.check(t.Context(), []lease{l}); !errors.Is(err, errLost) {
		t.Errorf("check after a change of address: got %v, want %v", err, errLost)
	}
}

func TestWhatCannotBeTrueIsNotTaken(t *testing.T) {
	tests := []struct {
		name string
		lie  func(*box)
	}{
		{"loopback", func(b *box) { b.address = loopback }},
		{"link-local", func(b *box) { b.address = netip.MustParseAddr("169.254.1.1") }},
		{"multicast", func(b *box) { b.address = netip.MustParseAddr("224.0.0.1") }},
		{"broadcast", func(b *box) { b.address = netip.MustParseAddr("255.255.255.255") }},
		{"a lifetime that cannot be renewed", func(b *box) { b.lifetime = 1 }},
		{"port zero", func(b *box) { b.mapped[[2]uint16{protocolUDP, 5000}] = 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachSpeaker(t, func(t *testing.T, b *box, r router) {
				b.change(tt.lie)
				if l, err := wish(t.Context(), r, anAsk, wished(5000)); !errors.Is(err, errBroken) {
					t.Errorf("got %+v and error %v, want %v", l, err, errBroken)
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				if len(b.mapped) > 0 {
					t.Errorf("what is of no use was not removed: %v", b.mapped)
				}
			})
		})
	}
}

func TestAnIPv6AddressForAnIPv4PortIsNotTaken(t *testing.T) {
	b := newBox()
	b.address = netip.MustParseAddr("2001:db8::1")
	r := &pcp{control: controlServer(t, b.answerPCP)}
	if _, err := wish(t.Context(), r, anAsk, wished(5000)); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
}

func TestARouterWithoutAnAddressOutsideIsBehindAnother(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		b.change(func(b *box) { b.address = anyAddress })
		if _, err := wish(t.Context(), r, anAsk, wished(5000)); !errors.Is(err, errInner) {
			t.Errorf("got %v, want %v", err, errInner)
		}
	})
}

func TestHugeLifetimesAreCut(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		b.change(func(b *box) { b.lifetime = 1<<32 - 1 })
		if got := opened(t, r, anAsk, wished(5000)).lifetime; got != maxLifetime {
			t.Errorf("lifetime is %s, want %s", got, maxLifetime)
		}
	})
}

func TestARouterOfTheOtherProtocolIsToldAtOnce(t *testing.T) {
	for i, s := range speakers {
		t.Run(s.name, func(t *testing.T) {
			b := newBox()
			other := speakers[1-i]
			r := s.speak(controlServer(t, func(request []byte) [][]byte { return other.answer(b, request) }))
			if _, err := r.open(t.Context(), anAsk); !errors.Is(err, errAbsent) {
				t.Errorf("got %v, want %v", err, errAbsent)
			}
			if got := b.asked(); got != 1 {
				t.Errorf("asked %d times, want once", got)
			}
		})
	}
}

func TestARefusalIsToldAsOne(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		refusing := func(request []byte) [][]byte {
			if request[0] == 2 {
				a := b.answerPCP(request)
				a[0][3] = 2
				return a
			}
			return [][]byte{{0, request[1] | 0x80, 0, 2, 0, 0, 0, 9}}
		}
		retarget(r, controlServer(t, refusing))
		_, err := wish(t.Context(), r, anAsk, wished(5000))
		if got := fault(err); got != protocol.MappingRefused {
			t.Errorf("fault of %v is %q, want refused", err, got)
		}
	})
}

func TestAnswersToOthersAreNotTaken(t *testing.T) {
	b := newBox()
	good := func(request []byte) []byte { return b.answerPCP(request)[0] }
	change := func(at int) func([]byte) []byte {
		return func(request []byte) []byte {
			a := good(request)
			a[at] ^= 1
			return a
		}
	}
	lies := []func([]byte) []byte{
		change(24), change(36), change(41), // nonce, protocol, port
		func(request []byte) []byte { return request },            // its own request
		func(request []byte) []byte { return good(request)[:58] }, // cut short
		func([]byte) []byte { return nil },                        // nothing
		func([]byte) []byte { return make([]byte, 1500) },         // too much
		func(request []byte) []byte { return good(request)[:24] }, // no mapping
		func(request []byte) []byte { a := good(request); a[0] = 9; return a },
	}
	r := &pcp{control: controlServer(t, func(request []byte) [][]byte {
		var answers [][]byte
		for _, lie := range lies {
			answers = append(answers, lie(request))
		}
		return append(answers, good(request))
	})}
	if got := opened(t, r, anAsk, wished(5000)).external.Port(); got != 5000 {
		t.Errorf("mapped to %d, want the true answer's 5000", got)
	}
}

func TestAFloodOfAnswersIsNotReadToItsEnd(t *testing.T) {
	junk := make([][]byte, 2*maxJunk)
	for i := range junk {
		junk[i] = []byte{9, 9, 9, 9}
	}
	c := controlServer(t, func([]byte) [][]byte { return junk })
	c.firstWait = time.Minute
	if _, err := (&pcp{control: c}).open(t.Context(), anAsk); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
}

func TestAnswersFromOtherAddressesAreNotSeen(t *testing.T) {
	other, err := net.ListenPacket("udp4", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	b := newBox()
	// The one that is asked says nothing, and a neighbour that has heard the request answers.
	asked, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	var overhearing sync.WaitGroup
	overhearing.Go(func() {
		request := make([]byte, 2048)
		for {
			n, from, err := asked.ReadFrom(request)
			if err != nil {
				return
			}
			_, _ = other.WriteTo(b.answerPCP(request[:n])[0], from)
		}
	})
	r := &pcp{control: control{place: here, port: asked.LocalAddr().(*net.UDPAddr).AddrPort().Port(), firstWait: quick}}
	if l, err := r.open(t.Context(), anAsk); !errors.Is(err, errAbsent) {
		t.Errorf("got %+v and error %v, want %v", l, err, errAbsent)
	}
	asked.Close()
	overhearing.Wait()
}

func TestARouterThatAnswersOnlyTheThirdTimeIsHeard(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		// Each request goes unanswered twice, as after a while of other work.
		seen := make(map[string]int)
		slow := func(answer func([]byte) [][]byte) func([]byte) [][]byte {
			return func(request []byte) [][]byte {
				seen[string(request)]++
				if seen[string(request)] < sendings {
					return nil
				}
				return answer(request)
			}
		}
		c := controlServer(t, slow(func(request []byte) [][]byte {
			if r.protocol() == protocol.PortMappingPCP {
				return b.answerPCP(request)
			}
			return b.answerNATPMP(request)
		}))
		c.firstWait = 200 * time.Millisecond
		retarget(r, c)
		if got := opened(t, r, anAsk, wished(5000)).external.Port(); got != 5000 {
			t.Errorf("mapped to %d, want 5000", got)
		}
	})
}

func TestNobodyThereIsAbsent(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	for _, listening := range []bool{true, false} {
		if !listening {
			conn.Close()
		}
		c := control{place: here, port: port, firstWait: time.Millisecond}
		if err := c.exchange(t.Context(), encodeAddress(), func([]byte) (bool, error) { return true, nil }); !errors.Is(err, errAbsent) {
			t.Errorf("a port that somebody has: %v; got %v, want %v", listening, err, errAbsent)
		}
	}
}

func TestAnExchangeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := controlServer(t, func([]byte) [][]byte { cancel(); return nil })
	c.firstWait = time.Hour
	for _, ctx := range []context.Context{ctx, ended()} {
		if err := c.exchange(ctx, encodeAddress(), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	}
}

func TestAMappingThatIsAskedForAtTheEndIsRemoved(t *testing.T) {
	eachSpeaker(t, func(t *testing.T, b *box, r router) {
		ctx, cancel := context.WithCancel(t.Context())
		removed := make(chan struct{}, 8)
		retarget(r, controlServer(t, func(request []byte) [][]byte {
			switch lifetime, maps := mapping(request); {
			case !maps:
				return b.answerNATPMP(request)
			case lifetime == 0:
				removed <- struct{}{}
			default:
				cancel()
			}
			return nil
		}))
		if _, err := r.open(ctx, anAsk); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		<-removed
	})
}
