package throttle

import (
	"net/netip"
	"testing"
	"time"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	pace  = Pace{Rate: 10, Burst: 3, Longest: 2 * time.Second}
)

func TestABucketLetsItsBurstThroughAndThenItsRate(t *testing.T) {
	var b Bucket
	let := 0
	for at := range 200 { // every 10 ms for two seconds
		if b.Take(pace, start.Add(time.Duration(at)*10*time.Millisecond)) == 0 {
			let++
		}
	}
	if want := pace.Burst + 19; let != want { // one each 100 ms after the first
		t.Errorf("got %d through, want %d", let, want)
	}
}

func TestTheRefusedAreToldDifferentTimesAtWhichThereIsRoom(t *testing.T) {
	var b Bucket
	for range pace.Burst {
		b.Take(pace, start)
	}
	var told []time.Time
	for i := range 20 {
		wait := b.Take(pace, start)
		if want := time.Duration(i+1) * 100 * time.Millisecond; wait != want {
			t.Fatalf("refused number %d is told %s, want %s", i, wait, want)
		}
		told = append(told, start.Add(wait))
	}
	for i, at := range told {
		if wait := b.Take(pace, at); wait != 0 {
			t.Errorf("number %d came when it was told, and has to wait %s", i, wait)
		}
	}
}

func TestNobodyIsToldMoreThanTheLongestWait(t *testing.T) {
	var b Bucket
	different := map[time.Duration]bool{}
	for range 1000 {
		wait := b.Take(pace, start)
		if wait > pace.Longest {
			t.Fatalf("got %s", wait)
		}
		different[wait] = true
	}
	if len(different) < 500 {
		t.Errorf("got only %d different times", len(different))
	}
	if wait := b.Take(pace, start.Add(time.Minute)); wait != 0 {
		t.Errorf("got %s though all have been quiet", wait)
	}
}

func TestABucketIsWholeWhenAllIsBack(t *testing.T) {
	var b Bucket
	if !b.Whole(start) {
		t.Error("a new bucket is not whole")
	}
	b.Take(pace, start)
	if b.Whole(start) || !b.Whole(start.Add(100*time.Millisecond)) {
		t.Error("a bucket is whole when what was taken is back")
	}
}

func TestATableKeepsAPaceForEach(t *testing.T) {
	table := NewTable[string](pace, 10)
	for range pace.Burst {
		if table.Take("a", start) != 0 {
			t.Fatal("the burst was refused")
		}
	}
	if table.Take("a", start) == 0 {
		t.Error("over the burst nothing was refused")
	}
	if table.Take("b", start) != 0 {
		t.Error("another was refused")
	}
}

func TestATableIsBoundedAndForgetsTheLongestUnseen(t *testing.T) {
	table := NewTable[int](pace, 100)
	for i := range 1000 {
		for range pace.Burst {
			table.Take(i, start)
		}
		if got := table.Len(); got > 100 {
			t.Fatalf("got %d keys", got)
		}
	}
	if table.Take(999, start) == 0 {
		t.Error("the newest was forgotten")
	}
	if table.Take(0, start) != 0 {
		t.Error("the oldest was remembered")
	}
}

func TestATableShrinksWhenItsMultitudeHasGone(t *testing.T) {
	table := NewTable[int](pace, 100)
	for i := range 100 {
		table.Take(i, start)
	}
	for i := range 60 {
		table.Take(1000+i, start.Add(time.Minute))
	}
	if got := table.Len(); got != 60 {
		t.Errorf("got %d keys, want the 60 of this minute", got)
	}
}

func TestAHouseholdIsAnAddressOrASlash64(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if got := Household(netip.MustParseAddr(test.a)) == Household(netip.MustParseAddr(test.b)); got != test.same {
			t.Errorf("%s and %s: got the same household %t, want %t", test.a, test.b, got, test.same)
		}
	}
	if Household(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("an unknown address has a household")
	}
}

func TestBucketTellsWhatIsLeft(t *testing.T) {
	pace := Pace{Rate: 10, Burst: 5, Longest: time.Minute}
	now := time.Unix(0, 0)
	table := NewTable[string](pace, 10)
	for want := 4; want >= 0; want-- {
		wait, left, whole := table.TakeAndCount("a", now)
		if spent := time.Duration(5-want) * 100 * time.Millisecond; wait != 0 || left != want || whole != spent {
			t.Fatalf("got wait %s, %d left, whole in %s; want 0, %d, %s", wait, left, whole, want, spent)
		}
	}
	if wait, left, whole := table.TakeAndCount("a", now); wait != 100*time.Millisecond || left != 0 || whole != 500*time.Millisecond {
		t.Errorf("when nothing is left: got wait %s, %d left, whole in %s", wait, left, whole)
	}
	if wait, left, _ := table.TakeAndCount("a", now.Add(time.Hour)); wait != 0 || left != 4 {
		t.Errorf("after an hour: got wait %s, %d left", wait, left)
	}
}
