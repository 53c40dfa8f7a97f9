package store

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// childWork makes the second process write until it is killed, under this name.
	childWork = "SIGHTLINE_STORE_CHILD_WORK"
	// workers write at once, so that there are batches to be cut off in.
	workers = 6
	// eventsTogether are written in one transaction.
	eventsTogether = 3
)

// work writes what the books of a store are made of until the context ends or something fails, and says a line of each
// thing once it is acknowledged.
func work(ctx context.Context, s *Store, name string, say func(line string)) error {
	errs := make([]error, workers+1)
	var group sync.WaitGroup
	group.Go(func() { errs[workers] = deliver(ctx, s, say) })
	for i := range workers {
		group.Go(func() { errs[i] = workAs(ctx, s, fmt.Sprintf("%s.%d", name, i), say) })
	}
	group.Wait()
	return cmp.Or(errs...)
}

func workAs(ctx context.Context, s *Store, name string, say func(line string)) error {
	carried := record.Usage{
		Allocation: name, Project: shop, Grant: newGrant(), Role: protocol.RoleViewer, Transport: "udp", Started: s.now(),
	}
	for n := 0; ctx.Err() == nil; n++ {
		label := fmt.Sprintf("%s.%d", name, n)
		if err := s.write(ctx, func(tx *tx) error {
			for range eventsTogether {
				if err := insertEvent(ctx, tx, alert(s, protocol.DefaultProject, label)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		say("event " + label)
		carried.Updated = s.now()
		carried.Traffic.UpBytes += 1000
		if _, err := s.Settle(ctx, []record.Usage{carried}); err != nil {
			return err
		}
		say(fmt.Sprintf("bytes %s %d", name, carried.Traffic.UpBytes))
		session := record.Session{
			ID: protocol.SessionID(uuid.NewString()), Kind: record.SessionLive, Project: shop, Device: "cam", Owner: []byte("owner"),
			Rights: []protocol.Right{protocol.RightView}, ViewerGrant: newGrant(), Created: s.now(), Expires: s.now().Add(time.Hour),
		}
		if err := s.Sessions().Save(ctx, session); err != nil {
			return err
		}
		say("session " + string(session.ID))
	}
	return nil
}

// deliver keeps the progress of the shop's webhook as its worker does: each event waits once, and its delivery settles it.
func deliver(ctx context.Context, s *Store, say func(line string)) error {
	list, _, err := s.Webhooks(ctx, shop, "", 1)
	if err != nil || len(list) == 0 {
		return err
	}
	for n := list[0].Cursor + 1; ctx.Err() == nil; n++ {
		if err := s.SaveWebhookProgress(ctx, []record.WebhookProgress{{
			Webhook: list[0].ID, Cursor: n, Settled: []uint64{n - 1},
			Waiting:    []record.WaitingDelivery{{Seq: n, Event: fmt.Sprint(n), Device: "cam", Due: s.now(), Next: s.now()}},
			Deliveries: []record.Delivery{{Event: fmt.Sprint(n), Seq: n, Kind: record.EventDeviceAlert, Attempt: 1, At: s.now(), Status: 200}},
		}}); err != nil {
			return err
		}
		say(fmt.Sprintf("delivery %s %d", list[0].ID, n))
	}
	return nil
}

// childAtWork is what the second process does.
func childAtWork(ctx context.Context, at place, name string) error {
	s, err := at.open(ctx, Config{})
	if err != nil {
		return err
	}
	return work(ctx, s, name, func(line string) { _, _ = os.Stdout.WriteString(line + "\n") })
}

// acknowledged is what workers were told that it is kept.
type acknowledged struct {
	// mu guards what follows.
	mu               sync.Mutex
	events, sessions map[string]bool
	bytes            map[string]uint64
	// delivered is how far the webhook was.
	delivered uint64
	lines     int
}

func newAcknowledged() *acknowledged {
	return &acknowledged{events: map[string]bool{}, sessions: map[string]bool{}, bytes: map[string]uint64{}}
}

func (a *acknowledged) hear(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var what, name string
	var number uint64
	if n, _ := fmt.Sscan(line, &what, &name, &number); n < 2 {
		return
	}
	a.lines++
	switch what {
	case "event":
		a.events[name] = true
	case "session":
		a.sessions[name] = true
	case "bytes":
		a.bytes[name] = max(a.bytes[name], number)
	case "delivery":
		a.delivered = max(a.delivered, number)
	}
}

// check wants everything that was acknowledged to be there, everything once, and nothing by halves.
func (a *acknowledged) check(t *testing.T, s *Store) {
	t.Helper()
	told := map[string]int{}
	for _, label := range history(t, s, protocol.DefaultProject) {
		told[label]++
	}
	for label, n := range told {
		if n != eventsTogether {
			t.Errorf("write %s: got %d events, want %d", label, n, eventsTogether)
		}
	}
	for label := range a.events {
		if told[label] == 0 {
			t.Errorf("write %s was acknowledged and is lost", label)
		}
	}
	a.checkSessions(t, s)
	a.checkDeliveries(t, s)
	auditShop(t, s).check(t)
	for allocation, bytes := range a.bytes {
		got, ok, err := one(t.Context(), s.reader, scanCount, countQuery, allocation)
		if err != nil || !ok || got.UpBytes < bytes {
			t.Errorf("allocation %s: got %d bytes and %v, want %d that were acknowledged", allocation, got.UpBytes, err, bytes)
		}
	}
}

// checkDeliveries wants each delivery to be kept with the place of its webhook, once.
func (a *acknowledged) checkDeliveries(t *testing.T, s *Store) {
	t.Helper()
	for _, w := range first(s.Webhooks(t.Context(), shop, "", 0))(t) {
		if w.Cursor < a.delivered || a.delivered == 0 {
			t.Errorf("the webhook is at %d, and %d were acknowledged", w.Cursor, a.delivered)
		}
		waiting := must(s.WaitingDeliveries(t.Context(), w.ID))(t)
		if len(waiting) != 1 || waiting[0].Seq != w.Cursor {
			t.Errorf("at %d of the webhook waits %+v", w.Cursor, waiting)
		}
		kept := must(all(t.Context(), s.reader, scanText, `SELECT CAST(succeeded AS TEXT) FROM webhooks WHERE id = ?`, w.ID))(t)
		if len(kept) != 1 || kept[0] != fmt.Sprint(w.Cursor) {
			t.Errorf("got %v deliveries at %d of the webhook", kept, w.Cursor)
		}
		for i, d := range first(s.Deliveries(t.Context(), shop, w.ID, record.DeliveryFilter{}, "", 0))(t) {
			if d.Seq != w.Cursor-uint64(i) {
				t.Fatalf("delivery %d before the last is of event %d, the last of %d", i, d.Seq, w.Cursor)
			}
		}
	}
}

// first leaves the cursor of a list out.
func first[T any](list []T, _ string, err error) func(*testing.T) []T { return must(list, err) }

func (a *acknowledged) checkSessions(t *testing.T, s *Store) {
	t.Helper()
	opened := map[string]int{}
	for after := uint64(0); ; {
		page := must(s.Events(t.Context(), shop, record.EventFilter{After: after}, 0))(t)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if after++; e.Seq != after {
				t.Fatalf("got number %d after %d", e.Seq, after-1)
			}
			if e.Kind == record.EventSessionOpened {
				opened[string(e.Session)]++
			}
		}
	}
	kept := must(all(t.Context(), s.reader, scanText, `SELECT id FROM sessions`))(t)
	if len(kept) != len(opened) {
		t.Errorf("got %d sessions and %d that were told of", len(kept), len(opened))
	}
	for id, n := range opened {
		if n != 1 {
			t.Errorf("session %s was opened %d times", id, n)
		}
	}
	for id := range a.sessions {
		if opened[id] == 0 {
			t.Errorf("session %s was acknowledged and is lost", id)
		}
	}
}

// killed runs a child that writes, and kills it at a random moment after so many lines.
func killed(t *testing.T, at place, name string, lines int, after time.Duration, told *acknowledged) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childDir+"="+at.dir, childDatabase+"="+at.database, childWork+"="+name)
	var fault strings.Builder
	command.Stderr = &fault
	out := must(command.StdoutPipe())(t)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	for range lines {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatalf("the child ended by itself: %v, %s", err, fault.String())
		}
		told.hear(line)
	}
	kill := time.AfterFunc(after, func() { _ = command.Process.Kill() })
	defer kill.Stop()
	for {
		line, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		told.hear(line)
	}
	if err := command.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("the child was not killed: %v, %v", err, ctx.Err())
	}
}

func TestWhatWasAcknowledgedOutlivesAKilledProcess(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		rounds := 100
		if at.database != "" {
			rounds = 10 // the database's own process lives on
		}
		s := must(at.open(t.Context(), Config{}))(t)
		must(s.CreateProject(t.Context(), shop, ""))(t)
		give(t, s, 1_000_000, "")
		must(s.CreateWebhook(t.Context(), shop, "https://shop.example/", "", nil))(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		random, told := rand.New(rand.NewPCG(uint64(rounds), 7)), newAcknowledged()
		for round := range rounds {
			lines, after := random.IntN(80), time.Duration(random.IntN(5_000))*time.Microsecond
			if round%10 == 9 { // perhaps while it opens the store
				lines, after = 0, time.Duration(random.IntN(100_000))*time.Microsecond
			}
			killed(t, at, fmt.Sprint(round), lines, after, told)
			if t.Failed() {
				t.Fatalf("in round %d", round)
			}
		}
		s = must(at.open(t.Context(), Config{}))(t)
		defer s.Close()
		if at.database == "" {
			if got := must(all(t.Context(), s.reader, scanText, `PRAGMA integrity_check`))(t); len(got) != 1 || got[0] != "ok" {
				t.Errorf("integrity: got %v", got)
			}
			if got := must(all(t.Context(), s.reader, scanText, `SELECT "table" FROM pragma_foreign_key_check`))(t); len(got) != 0 {
				t.Errorf("rows that refer to nothing: got %v", got)
			}
		}
		told.check(t, s)
		if told.lines < 20*rounds {
			t.Errorf("%d writes were acknowledged in %d rounds: too few to find anything", told.lines, rounds)
		}
	})
}

func TestWhatWasAcknowledgedOutlivesLostConnections(t *testing.T) {
	at := onServer(t)
	s := must(at.open(t.Context(), Config{}))(t)
	defer s.Close()
	must(s.CreateProject(t.Context(), shop, ""))(t)
	give(t, s, 1_000_000, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told, heard := newAcknowledged(), make(chan struct{}, 1)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for attempt := 0; ctx.Err() == nil; attempt++ {
				// It ends with a connection; whoever comes after has another.
				_ = workAs(ctx, s, fmt.Sprintf("%d.%d", i, attempt), func(line string) {
					told.hear(line)
					select {
					case heard <- struct{}{}:
					default:
					}
				})
			}
		})
	}
	_, database, _ := strings.Cut(at.database, "@/")
	database, _, _ = strings.Cut(database, "?")
	for range 30 {
		for range 20 {
			<-heard
		}
		administer(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+database+`'`)
	}
	cancel()
	group.Wait()
	told.check(t, s)
}
