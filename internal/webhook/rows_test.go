package webhook

import (
	"fmt"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestAnEndpointHasSoManyRows(t *testing.T) {
	now := time.Now()
	rows := func(n int, failing time.Time) *queue {
		var waiting []record.WaitingDelivery
		for i := range n {
			waiting = append(waiting, record.WaitingDelivery{
				Seq: uint64(i + 1), Device: protocol.DeviceID(fmt.Sprint("cam", i)), Attempts: 1, Due: now, Next: now.Add(time.Hour),
			})
		}
		q := newQueue(&record.Webhook{State: record.WebhookOn, Cursor: uint64(n), Failing: failing}, waiting, nil, now)
		q.mend(now)
		return q
	}
	for _, test := range []struct {
		failing time.Time
		most    int
	}{{time.Time{}, maxWaiting}, {now, maxLane}} {
		if q := rows(test.most-1, test.failing); q.room() == 0 {
			t.Errorf("%d rows leave no room", test.most-1)
		}
		if q := rows(test.most, test.failing); q.room() != 0 {
			t.Errorf("%d rows leave room for %d events", test.most, q.room())
		}
	}
}
