package signal

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// noon is in UTC.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func pathOf(kind protocol.PathKind, means protocol.Means, remote string, afterMS int64) protocol.Path {
	return protocol.Path{Kind: kind, Means: means, Local: "host", Remote: remote, Protocol: "udp", AfterMS: afterMS}
}

func newBook() book { return book{&record.Account{}} }

func (b book) total() (time.Duration, uint64) {
	direct, directBytes := b.On(protocol.PathDirect)
	relay, relayBytes := b.On(protocol.PathRelay)
	return direct + relay, directBytes + relayBytes
}

func TestThePathOfBothIsWhatEachSeesOfIt(t *testing.T) {
	const device, viewer = protocol.RoleDevice, protocol.RoleViewer
	type word struct {
		by   protocol.Role
		path protocol.Path
	}
	direct := func(means protocol.Means, remote string) protocol.Path {
		return pathOf(protocol.PathDirect, means, remote, 0)
	}
	relay := pathOf(protocol.PathRelay, protocol.MeansRelay, "relay", 0)
	for _, test := range []struct {
		name  string
		words []word
		want  protocol.Means
	}{
		{"nobody has told", nil, ""},
		{"the viewer alone", []word{{viewer, direct("mapped", "srflx")}}, "mapped"},
		{"a guess of one alone", []word{{device, direct("ice", "prflx")}}, ""},
		{"a guess that the other end confirms", []word{{device, direct("ice", "prflx")}, {viewer, direct("predicted", "srflx")}}, "predicted"},
		{"a guess that is the viewer's relay", []word{{device, direct("ice", "prflx")}, {viewer, relay}}, "relay"},
		{"each sees its own side", []word{{device, direct("mapped", "srflx")}, {viewer, direct("ice", "host")}}, "mapped"},
		{"an upgrade, told by one", []word{{device, relay}, {viewer, relay}, {viewer, direct("ice", "srflx")}}, "relay"},
		{"an upgrade", []word{{device, relay}, {viewer, relay}, {viewer, direct("ice", "srflx")}, {device, direct("ice", "srflx")}}, "ice"},
		{"means of tomorrow", []word{{viewer, direct("birthday", "srflx")}}, "other"},
		{"an end that knows no better", []word{{viewer, direct("", "srflx")}}, "ice"},
		{"direct by relay is nonsense", []word{{viewer, direct("relay", "srflx")}}, "ice"},
		{"a relay by whatever", []word{{viewer, pathOf(protocol.PathRelay, "ice", "relay", 0)}}, "relay"},
	} {
		b := newBook()
		for _, w := range test.words {
			b.tell(w.by, w.path, noon, noon)
		}
		kind := protocol.PathDirect
		switch test.want {
		case "":
			kind = ""
		case protocol.MeansRelay:
			kind = protocol.PathRelay
		}
		if b.Means != test.want || b.Kind != kind || b.path().Kind != kind {
			t.Errorf("%s: got %s by %q, want %s by %q", test.name, b.Kind, b.Means, kind, test.want)
		}
	}
}

func TestAGuessIsTakenForThePathWhenTheOtherEndIsSilent(t *testing.T) {
	b := newBook()
	b.tell(protocol.RoleDevice, pathOf(protocol.PathDirect, "ice", "prflx", 80), noon, noon)
	if b.settle(noon.Add(settleTime - 1)) {
		t.Error("it is taken too soon")
	}
	if !b.settle(noon.Add(settleTime)) || b.Means != protocol.MeansICE || b.Changes[0].Number != 1 {
		t.Errorf("got %+v", b.Account)
	}
	b.alive(noon.Add(10 * time.Second))
	if got, _ := b.On(protocol.PathDirect); got != 10*time.Second {
		t.Errorf("got %v, want it from the beginning", got)
	}
}

func TestTimesToPathsAreTheViewersWhereItTells(t *testing.T) {
	b := newBook()
	relay, direct := pathOf(protocol.PathRelay, "relay", "relay", 900), pathOf(protocol.PathDirect, "ice", "srflx", 0)
	b.tell(protocol.RoleDevice, relay, noon, noon.Add(time.Second))
	if got := b.FirstPath(); got != 900*time.Millisecond || b.DirectPath() != 0 {
		t.Errorf("got %v and %v, want the device's 900ms and none", got, b.DirectPath())
	}
	relay.AfterMS = 950
	b.tell(protocol.RoleViewer, relay, noon, noon.Add(time.Second))
	b.tell(protocol.RoleViewer, direct, noon, noon.Add(7*time.Second)) // it does not say after what time
	if b.DirectPath() != 0 {
		t.Error("it is direct before both say so")
	}
	b.tell(protocol.RoleDevice, direct, noon, noon.Add(8*time.Second))
	if b.FirstPath() != 950*time.Millisecond || b.DirectPath() != 7*time.Second || !b.Upgraded {
		t.Errorf("got %v, %v and upgraded %t, want 950ms, 7s and true", b.FirstPath(), b.DirectPath(), b.Upgraded)
	}
}

func TestWhatTheRelayHadForAMomentIsNotBeyondPlainICE(t *testing.T) {
	for after, want := range map[time.Duration]bool{upgradeTime - 1: false, upgradeTime: true} {
		b := newBook()
		b.tell(protocol.RoleViewer, pathOf(protocol.PathRelay, "relay", "relay", 5), noon, noon)
		b.tell(protocol.RoleViewer, pathOf(protocol.PathDirect, "ice", "srflx", 9), noon, noon.Add(after))
		b.alive(noon.Add(time.Minute))
		last := b.Stretches[len(b.Stretches)-1]
		if b.Upgraded != want || last.Beyond != want || last.Means != protocol.MeansICE {
			t.Errorf("after %v: got %+v, want beyond plain ICE: %t", after, b.Account, want)
		}
	}
}

func TestADayEndsAtMidnightUTC(t *testing.T) {
	b := newBook()
	evening := noon.Add(11*time.Hour + 59*time.Minute + 50*time.Second)
	b.tell(protocol.RoleDevice, pathOf(protocol.PathDirect, "mapped", "srflx", 5), evening, evening)
	b.alive(evening.Add(40 * time.Second).In(time.FixedZone("east", 3600)))
	b.count(protocol.RoleDevice, 4000)
	b.alive(evening.Add(40*time.Second + 48*time.Hour)) // the hub was away
	b.count(protocol.RoleDevice, 4000+2*86400)
	want := []record.Stretch{
		{Day: "2026-03-01", Means: "mapped", Beyond: true, Time: 10 * time.Second, Bytes: 1000},
		{Day: "2026-03-02", Means: "mapped", Beyond: true, Time: 24 * time.Hour, Bytes: 3000 + 86370},
		{Day: "2026-03-03", Means: "mapped", Beyond: true, Time: 24 * time.Hour, Bytes: 86400},
		{Day: "2026-03-04", Means: "mapped", Beyond: true, Time: 30 * time.Second, Bytes: 30},
	}
	if fmt.Sprint(b.Stretches) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", b.Stretches, want)
	}
	if b.Tallied.Day != "2026-03-01" {
		t.Errorf("the session counts on %s, want its first day", b.Tallied.Day)
	}
}

func TestTheDevicesCountReplacesTheViewers(t *testing.T) {
	b := newBook()
	b.count(protocol.RoleViewer, 5) // without a path: it comes again
	b.tell(protocol.RoleViewer, pathOf(protocol.PathDirect, "ice", "srflx", 5), noon, noon)
	for i, step := range []struct {
		by    protocol.Role
		bytes uint64
		want  uint64
	}{
		{protocol.RoleViewer, 100, 100},
		{protocol.RoleViewer, 250, 250},
		{protocol.RoleDevice, 240, 250}, // some of it the viewer has not had yet
		{protocol.RoleDevice, 400, 410},
		{protocol.RoleViewer, 9000, 410},
		{protocol.RoleDevice, 400, 410},
		{protocol.RoleDevice, 30, 440}, // a counter that began anew
		{protocol.RoleDevice, 1 << 62, 440 + (uint64(protocol.MediaReport/time.Second)+1)*fastest},
	} {
		b.alive(noon.Add(time.Duration(i+1) * time.Second))
		b.count(step.by, step.bytes)
		if _, got := b.total(); got != step.want || b.Bytes != step.want {
			t.Errorf("%s says %d: got %d and %d, want %d", step.by, step.bytes, got, b.Bytes, step.want)
		}
	}
}

func TestTimeEndsAReportAfterTheLastSignOfMedia(t *testing.T) {
	for silence, want := range map[time.Duration]time.Duration{
		5 * time.Second: 65 * time.Second, 2 * time.Minute: time.Minute + protocol.MediaReport,
	} {
		b := newBook()
		b.tell(protocol.RoleViewer, pathOf(protocol.PathRelay, "relay", "relay", 5), noon, noon)
		b.alive(noon.Add(time.Minute))
		b.finish(noon.Add(time.Minute + silence))
		if got, _ := b.On(protocol.PathRelay); got != want {
			t.Errorf("after a silence of %v: got %v, want %v", silence, got, want)
		}
	}
	b := newBook()
	b.finish(noon)
	if got := *b.Tallied; got != (record.Tally{Day: "2026-03-01"}) {
		t.Errorf("without a path: got %+v", got)
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	b := newBook()
	for i := range 10 * maxChanges {
		b.tell(protocol.RoleViewer, pathOf(protocol.PathDirect, "ice", fmt.Sprint(i), 5), noon, noon)
	}
	if len(b.Changes) != maxChanges || b.Omitted != 9*maxChanges || b.Changes[keptFirst-1].Path.Remote != "7" || b.Changes[maxChanges-1].Path.Remote != "319" {
		t.Errorf("got %d changes, %d left out", len(b.Changes), b.Omitted)
	}
	for day := range 10 * maxStretches {
		b.alive(noon.Add(time.Duration(day) * 24 * time.Hour))
	}
	if got, want := len(b.Stretches), maxStretches; got > want || len(b.Uncounted) > want {
		t.Errorf("got %d stretches, want %d at most", got, want)
	}
	if got, _ := b.total(); got != (10*maxStretches-1)*24*time.Hour {
		t.Errorf("got %v in all", got)
	}
}

// TestAccountsAddUp drives an account at random, through restarts from any of the versions that were kept, and compares it
// with what a notary who saw everything has written.
func TestAccountsAddUp(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 5))
		b, now := newBook(), noon.Add(time.Duration(random.IntN(86400))*time.Second)
		begun, lastSign := time.Time{}, time.Time{}
		var deviceBytes, viewerBytes uint64
		kinds := []protocol.Path{
			pathOf(protocol.PathDirect, "ice", "srflx", 0), pathOf(protocol.PathDirect, "mapped", "host", 0), pathOf(protocol.PathDirect, "tcp", "host", 0),
			pathOf(protocol.PathRelay, "relay", "relay", 0), pathOf(protocol.PathDirect, "ipv6", "prflx", 0), pathOf(protocol.PathDirect, "x", "host", 0),
		}
		previousTime, previousBytes := time.Duration(0), uint64(0)
		for range 200 {
			now = now.Add(time.Duration(random.IntN(30_000)) * time.Millisecond)
			role := protocol.RoleViewer
			if random.IntN(2) == 0 {
				role = protocol.RoleDevice
			}
			switch random.IntN(4) {
			case 0:
				b.tell(role, kinds[random.IntN(len(kinds))], noon, now)
			case 1, 2:
				deviceBytes += uint64(random.IntN(1_000_000))
				viewerBytes = deviceBytes - uint64(random.IntN(int(min(deviceBytes, 1000)+1)))
				b.settle(now)
				b.alive(now)
				b.count(role, map[protocol.Role]uint64{protocol.RoleDevice: deviceBytes, protocol.RoleViewer: viewerBytes}[role])
			case 3: // a restart
				kept, err := json.Marshal(b.Account)
				if err != nil {
					t.Fatal(err)
				}
				b = newBook()
				if err := json.Unmarshal(kept, b.Account); err != nil {
					t.Fatal(err)
				}
				continue // which is no sign of media
			}
			if b.Kind != "" {
				if begun.IsZero() {
					begun = b.Changes[0].At
					for _, c := range b.Changes {
						if c.Number == 1 {
							begun = c.At
						}
					}
				}
				lastSign = now
			}
			gotTime, gotBytes := b.total()
			if gotTime < previousTime || gotBytes < previousBytes || gotBytes != b.Bytes || gotBytes > deviceBytes {
				t.Fatalf("seed %d: %v and %d bytes of %d after %v and %d", seed, gotTime, gotBytes, deviceBytes, previousTime, previousBytes)
			}
			if b.Kind != "" && gotTime != lastSign.Sub(begun) {
				t.Fatalf("seed %d: got %v, want %v", seed, gotTime, lastSign.Sub(begun))
			}
			previousTime, previousBytes = gotTime, gotBytes
		}
		b.settle(now.Add(settleTime))
		b.alive(now)
		b.count(protocol.RoleDevice, deviceBytes)
		if _, got := b.total(); got != deviceBytes {
			t.Fatalf("seed %d: got %d bytes, want %d", seed, got, deviceBytes)
		}
		for _, s := range b.Stretches {
			if s.Time < 0 {
				t.Fatalf("seed %d: %+v", seed, s)
			}
		}
	}
}
