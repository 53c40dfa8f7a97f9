package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// freeUDPPort is one that nothing uses.
func freeUDPPort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return addrPort(conn.LocalAddr()).Port()
}

// ask sends a Binding request and returns the answer and where it came from.
func ask(t *testing.T, to netip.AddrPort, attrs ...stun.Setter) (*stun.Message, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.Addr(), 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := stun.MustBuild(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, attrs...)...)
	if _, err := conn.WriteToUDPAddrPort(request.Raw, to); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	answer := &stun.Message{Raw: buf[:n]}
	if err := answer.Decode(); err != nil || answer.TransactionID != request.TransactionID {
		t.Fatalf("got %v, %v", answer, err)
	}
	if answer.Type == stun.BindingSuccess {
		var mapped stun.MappedAddress
		if err := mapped.GetFrom(answer); err != nil || mapped.Port != int(addrPort(conn.LocalAddr()).Port()) {
			t.Errorf("MAPPED-ADDRESS: %v, %v", mapped, err)
		}
	}
	return answer, from
}

// change is a CHANGE-REQUEST.
func change(flags byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, flags}}
}

// responsePort is a RESPONSE-PORT.
func responsePort(port uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrResponsePort, Value: append(binary.BigEndian.AppendUint16(nil, port), 0, 0)}
}

// padding is a PADDING of so many bytes.
func padding(size int) stun.RawAttribute {
	return stun.RawAttribute{Type: stun.AttrPadding, Value: make([]byte, size)}
}

func TestPaddingIsAnsweredWithAsMuch(t *testing.T) {
	h := start(t, func(c *Config) { c.AltPort = freeUDPPort(t) })
	answer, _ := ask(t, h.Addr(), padding(1200))
	if got, err := answer.Get(stun.AttrPadding); err != nil || len(got) != 1200 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if answer, _ := ask(t, h.Addr(), padding(1200), responsePort(5000)); errorCode(t, answer) != 400 {
		t.Errorf("padding to another port: got %s, want 400", answer)
	}
}

func TestAnswerGoesToThePortThatIsAskedFor(t *testing.T) {
	h := start(t, func(c *Config) { c.AltPort = freeUDPPort(t) })
	other := h.stranger(t)
	conn, err := net.Dial("udp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest, responsePort(addrPort(other.LocalAddr()).Port()))
	if _, err := conn.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	got, from := receive(t, other)
	answer := &stun.Message{Raw: []byte(got)}
	if err := answer.Decode(); err != nil || answer.TransactionID != request.TransactionID || addrPort(from) != h.Addr() {
		t.Errorf("got %s, %v from %s", answer, err, from)
	}
}

func errorCode(t *testing.T, m *stun.Message) int {
	t.Helper()
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil {
		t.Fatalf("no error code in %s: %v", m, err)
	}
	return int(code.Code)
}

func TestAlternatePortAnswersWhoAsksForIt(t *testing.T) {
	port := freeUDPPort(t)
	h := start(t, func(c *Config) { c.AltPort = port })
	here := h.Addr()
	there := netip.AddrPortFrom(here.Addr(), port)
	for _, test := range []struct {
		name     string
		to       netip.AddrPort
		attrs    []stun.Setter
		wantFrom netip.AddrPort
	}{
		{"plain", here, nil, here},
		{"nothing changed", here, []stun.Setter{change(0)}, here},
		{"other port", here, []stun.Setter{change(changePort)}, there},
		{"at the other port", there, nil, there},
		{"at the other port, other port", there, []stun.Setter{change(changePort)}, here},
	} {
		answer, from := ask(t, test.to, test.attrs...)
		var origin stun.ResponseOrigin
		if err := origin.GetFrom(answer); err != nil || from != test.wantFrom || origin.Port != int(from.Port()) {
			t.Errorf("%s: answered from %s, which says %s, %v, want %s", test.name, from, origin, err, test.wantFrom)
		}
		if answer.Contains(stun.AttrOtherAddress) {
			t.Errorf("%s: another address is told by a host with one", test.name)
		}
	}
	for name, attr := range map[string]stun.Setter{
		"other address": change(changeAddress),
		"other both":    change(changeAddress | changePort),
		"too short":     stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0}},
		"system port":   responsePort(53),
		"unknown":       stun.RawAttribute{Type: 0x0002, Value: []byte{0, 0, 0, 0}},
	} {
		if answer, from := ask(t, here, attr); errorCode(t, answer) != 420 || from != here {
			t.Errorf("%s: got %s from %s, want 420", name, answer, from)
		}
	}
	// What is for TURN goes on to it, and nothing of it is at the other port.
	h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer)).allocate()
	if _, answer := h.gate(transportUDP, there).screen(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest)).Raw, there); answer != nil {
		t.Errorf("an Allocate at the other port is answered %x", answer)
	}
}

func TestAnswersComeFromWhereTheyAreAskedFor(t *testing.T) {
	at := func(s string) *site { return &site{told: netip.MustParseAddrPort(s)} }
	rows := [][2]*site{{at("192.0.2.1:1"), at("192.0.2.1:2")}, {at("192.0.2.2:1"), at("192.0.2.2:2")}}
	link(rows)
	from := netip.MustParseAddrPort("198.51.100.1:5")
	for flags, want := range map[byte]*site{
		0: rows[0][0], changePort: rows[0][1], changeAddress: rows[1][0], changeAddress | changePort: rows[1][1],
	} {
		p, ok := readRequest(stun.MustBuild(stun.TransactionID, stun.BindingRequest, change(flags)).Raw)
		if !ok {
			t.Fatal("not a request")
		}
		raw, via, _ := rows[0][0].answer(&p, from)
		answer := &stun.Message{Raw: raw}
		if err := answer.Decode(); err != nil || via != want {
			t.Errorf("flags %#x: answered by %v, %v, want %v", flags, via.told, err, want.told)
		}
		var other stun.OtherAddress
		if err := other.GetFrom(answer); err != nil || other.String() != rows[1][1].told.String() {
			t.Errorf("OTHER-ADDRESS: %s, %v", other, err)
		}
		if len(raw) > largestAnswer {
			t.Errorf("the answer has %d bytes, which the budget does not expect", len(raw))
		}
	}
}

func TestAddressesThatTheSameClientsReachStandTogether(t *testing.T) {
	networks := []netip.Prefix{
		netip.MustParsePrefix("192.168.1.2/24"), netip.MustParsePrefix("172.17.0.1/16"), netip.MustParsePrefix("10.0.0.2/24"),
		netip.MustParsePrefix("10.42.0.1/24"), netip.MustParsePrefix("9.9.9.9/32"),
	}
	doorAt := func(s string) *door { return &door{addr: netip.MustParseAddrPort(s)} }
	for name, test := range map[string]struct {
		doors, public []string
		want          string
	}{
		"one":                {[]string{"9.9.9.9:1"}, nil, "9.9.9.9:1"},
		"three":              {[]string{"9.9.9.9:1", "9.9.9.10:1", "9.9.9.11:1"}, nil, "9.9.9.9:1 9.9.9.10:1, 9.9.9.11:1"},
		"public and inside":  {[]string{"172.17.0.1:1", "9.9.9.9:1", "9.9.9.10:1"}, nil, "172.17.0.1:1, 9.9.9.9:1 9.9.9.10:1"},
		"in one LAN":         {[]string{"192.168.1.2:1", "172.17.0.1:1", "10.8.0.1:1", "192.168.1.3:1"}, nil, "192.168.1.2:1 192.168.1.3:1, 172.17.0.1:1, 10.8.0.1:1"},
		"LAN and containers": {[]string{"10.0.0.2:1", "10.42.0.1:1"}, nil, "10.0.0.2:1, 10.42.0.1:1"},
		"carrier's":          {[]string{"100.64.0.2:1", "9.9.9.9:1"}, nil, "100.64.0.2:1, 9.9.9.9:1"},
		"a lab's":            {[]string{"203.0.113.1:1", "198.51.100.1:1"}, nil, "203.0.113.1:1 198.51.100.1:1"},
		"behind NAT":         {[]string{"192.168.1.2:1", "192.168.1.3:1"}, []string{"9.9.9.9"}, "192.168.1.2:1, 192.168.1.3:1"},
		"told one of two":    {[]string{"9.9.9.9:1", "9.9.9.10:1"}, []string{"9.9.9.10"}, "9.9.9.9:1, 9.9.9.10:1"},
		"both families": {
			[]string{"9.9.9.9:1", "[fd00::1]:1", "[2620:fe::9]:1", "9.9.9.10:1", "[2620:fe::10]:1"},
			[]string{"9.9.9.9"},
			"9.9.9.9:1, [fd00::1]:1, [2620:fe::9]:1 [2620:fe::10]:1, 9.9.9.10:1",
		},
	} {
		s := &Server{hosts: &hosts{public: addrs(test.public...)}}
		for _, d := range test.doors {
			s.doors = append(s.doors, doorAt(d))
		}
		var groups []string
		for _, g := range s.discoveryDoors(networks) {
			var group []string
			for _, d := range g {
				group = append(group, d.addr.String())
			}
			groups = append(groups, strings.Join(group, " "))
		}
		if got := strings.Join(groups, ", "); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
