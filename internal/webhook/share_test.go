package webhook

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestAProjectsTestsLeaveRoomForTheDeliveriesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		hook := m.add("a", "https://a/")
		n.answer("a", func(uint64) (int, http.Header, time.Duration) { return 200, nil, 10 * time.Second })
		var tests sync.WaitGroup
		for range maxTests {
			tests.Go(func() {
				if d := w.Test(t.Context(), hook); d.Err != "" {
					t.Errorf("got %+v", d)
				}
			})
		}
		synctest.Wait()
		if d := w.Test(t.Context(), hook); d.Status != 0 || d.Err == "" {
			t.Errorf("one too many got %+v", d)
		}
		theirs := hook
		theirs.Project = "theirs"
		if d := w.Test(t.Context(), theirs); d.Err != "" {
			t.Errorf("another project's got %+v", d)
		}
		tests.Wait()
		if d := w.Test(t.Context(), hook); d.Err != "" || len(w.tests) != 0 {
			t.Errorf("after them: got %+v; %v", d, w.tests)
		}
	})
}

func TestAProjectOfHangingEndpointsLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		for i := range 100 { // as many as a project may have
			host := fmt.Sprint("bad", i)
			m.add(host, "https://"+host+"/")
			n.answer(host, func(uint64) (int, http.Header, time.Duration) { return 200, nil, timeout })
		}
		m.add("good", "https://good/")
		m.alter("good", func(w *record.Webhook) { w.Project = "theirs" })
		work(t, w)
		happen := func() {
			for i := range maxInFlight {
				m.happen(record.EventDeviceOnline, protocol.DeviceID(rune('a'+i)))
			}
			time.Sleep(time.Second)
		}
		happen()
		happen()
		if got := n.took("good"); len(got) != 2*maxInFlight {
			t.Errorf("got %v", got)
		}
	})
}
