package link

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

var epoch = time.Unix(1_800_000_000, 0)

func request(id uint64) protocol.Envelope {
	e := protocol.Must(protocol.TypeExtend, "", &protocol.Extend{})
	e.ID = id
	return e
}

func TestAPeerThatDoesNotAcknowledgeIsTooSlow(t *testing.T) {
	l := New(Config{}, epoch)
	for i := range protocol.MaxUnacked {
		if err := l.Send(request(uint64(i))); err != nil { //nolint:gosec // a small number
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := l.Send(request(0)); !errors.Is(err, &protocol.Error{Code: protocol.CodeTooSlow}) {
		t.Fatalf("got %v, want too_slow", err)
	}
	l.Grow(1)
	if err := l.Send(request(0)); err != nil {
		t.Errorf("after Grow: %v", err)
	}
}

func TestUnacknowledgedBytesAreBounded(t *testing.T) {
	l := New(Config{}, epoch)
	big := protocol.Must(protocol.TypeDescribe, "", &protocol.Describe{
		Kind: protocol.DescribeOffer, SDP: strings.Repeat("a", protocol.MaxSDPBytes),
	})
	sent := 0
	for ; sent < 100; sent++ {
		if err := l.Send(big); err != nil {
			break
		}
	}
	if want := protocol.MaxUnackedBytes / protocol.MaxSDPBytes; sent != want {
		t.Errorf("got %d messages of 48 KiB, want %d", sent, want)
	}
}

func TestAMessageOverTheLimitLeavesTheLinkAsItWas(t *testing.T) {
	l := New(Config{}, epoch)
	huge := protocol.Must(protocol.TypeDescribe, "", &protocol.Describe{SDP: strings.Repeat("a", protocol.MaxMessageBytes)})
	if err := l.Send(huge); !errors.Is(err, &protocol.Error{Code: protocol.CodeTooLarge}) {
		t.Fatalf("got %v, want too_large", err)
	}
	if err := l.Send(request(1)); err != nil {
		t.Errorf("the link is lost: %v", err)
	}
}

func TestPingsWithoutReadingAreTooSlow(t *testing.T) {
	l := New(Config{}, epoch)
	ping := protocol.Envelope{Type: protocol.TypePing}
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		_, err = l.Receive(&ping, epoch)
	}
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeTooSlow}) {
		t.Errorf("got %v after 1000 pings, want too_slow", err)
	}
}

func TestVolatileMessagesDropTheOldest(t *testing.T) {
	l := New(Config{}, epoch)
	for i := range protocol.MaxVolatile + 3 {
		if err := l.Send(protocol.Must(protocol.TypeStats, "", &protocol.Stats{Lost: uint64(i)})); err != nil { //nolint:gosec // small
			t.Fatal(err)
		}
	}
	first, _ := l.Next(epoch)
	if !strings.Contains(string(first), `"lost":3`) {
		t.Errorf("got %s first, want the fourth", first)
	}
}

func TestDroppedEventsAreToldByOneGap(t *testing.T) {
	l := New(Config{}, epoch)
	for i := range protocol.MaxEvents + 5 {
		event := &protocol.Event{Event: uint64(i + 1), Kind: "device.online"} //nolint:gosec // small
		if err := l.Send(protocol.Must(protocol.TypeEvent, "", event)); err != nil {
			t.Fatal(err)
		}
	}
	var last []byte
	count := 0
	for b, ok := l.Next(epoch); ok; b, ok = l.Next(epoch) {
		last = b
		count++
	}
	if count != protocol.MaxEvents+1 || !strings.Contains(string(last), `{"from":129,"to":133}`) {
		t.Errorf("got %d messages, the last %s; want %d and the gap 129 to 133", count, last, protocol.MaxEvents+1)
	}
}

func TestManyMessagesAreAcknowledgedWithoutWaiting(t *testing.T) {
	l := New(Config{}, epoch)
	for i := range uint64(protocol.AckEvery) {
		e := protocol.Must(protocol.TypeReply, "", &protocol.Reply{})
		e.Seq, e.Re = i+1, i+1
		if _, err := l.Receive(&e, epoch); err != nil {
			t.Fatal(err)
		}
		l.Took(e.Seq, epoch)
	}
	if b, ok := l.Next(epoch); !ok || !strings.Contains(string(b), `"ack":32`) {
		t.Errorf("got %s, want an ack of 32", b)
	}
}

// TestAnyInterleavingDeliversOnceInOrder drives two links over sockets that break at random and resume.
func TestAnyInterleavingDeliversOnceInOrder(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test wants repeatable numbers
		now := epoch
		ends := [2]*Link{New(Config{}, now), New(Config{}, now)}
		var wire [2][][]byte // wire[i] is on its way to ends[i]
		var sent, got [2]uint64
		deliver := func(i int) {
			e := decode(t, wire[i][0])
			wire[i] = wire[i][1:]
			handle, err := ends[i].Receive(&e, now)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if !handle {
				return
			}
			if got[i]++; e.ID != got[i] {
				t.Fatalf("seed %d: got message %d, want %d", seed, e.ID, got[i])
			}
			ends[i].Took(e.Seq, now)
		}
		write := func(i int) bool {
			b, ok := ends[i].Next(now)
			if ok {
				wire[1-i] = append(wire[1-i], b)
			}
			return ok
		}
		for range 400 {
			now = now.Add(10 * time.Millisecond)
			i := random.IntN(2)
			switch random.IntN(8) {
			case 0, 1:
				sent[i]++
				if err := ends[i].Send(request(sent[i])); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			case 2, 3, 4:
				write(i)
			case 5, 6:
				if len(wire[i]) > 0 {
					deliver(i)
				}
			case 7:
				wire = [2][][]byte{}
				received := [2]uint64{ends[0].Received(), ends[1].Received()}
				for k := range ends {
					if err := ends[k].Attach(received[1-k], now); err != nil {
						t.Fatalf("seed %d: attach: %v", seed, err)
					}
				}
			}
		}
		for moved := true; moved; {
			moved = write(0) || write(1)
			for i := range ends {
				for len(wire[i]) > 0 {
					deliver(i)
					moved = true
				}
			}
		}
		if got[0] != sent[1] || got[1] != sent[0] {
			t.Fatalf("seed %d: got %v, sent %v", seed, got, sent)
		}
	}
}
