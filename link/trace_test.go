package link

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

type trace struct {
	Name  string `json:"name"`
	Steps []step `json:"steps"`
}

// step is one thing that happens to a link and what must come of it. The web client reads the same file.
type step struct {
	Do         string            `json:"do"`
	AtMS       int64             `json:"at_ms"`
	Message    json.RawMessage   `json:"message"`
	Want       json.RawMessage   `json:"want"`
	Lost       []json.RawMessage `json:"lost"`
	Handle     bool              `json:"handle"`
	Seq        uint64            `json:"seq"`
	Received   uint64            `json:"received"`
	IntervalMS int64             `json:"interval_ms"`
	Error      protocol.Code     `json:"error"`
}

func TestTraces(t *testing.T) {
	b, err := os.ReadFile("testdata/traces.json")
	if err != nil {
		t.Fatal(err)
	}
	var traces []trace
	if err := json.Unmarshal(b, &traces); err != nil {
		t.Fatal(err)
	}
	for _, tr := range traces {
		t.Run(tr.Name, func(t *testing.T) {
			start := time.Unix(1_800_000_000, 0)
			l := New(Config{}, start)
			for i, s := range tr.Steps {
				if err := s.run(t, l, start.Add(time.Duration(s.AtMS)*time.Millisecond)); !matches(err, s.Error) {
					t.Fatalf("step %d (%s): got error %v, want %q", i, s.Do, err, s.Error)
				}
				if t.Failed() {
					t.Fatalf("at step %d (%s)", i, s.Do)
				}
			}
		})
	}
}

func matches(err error, want protocol.Code) bool {
	if want == "" {
		return err == nil
	}
	return errors.Is(err, &protocol.Error{Code: want})
}

func (s step) run(t *testing.T, l *Link, now time.Time) error {
	t.Helper()
	switch s.Do {
	case "send":
		return l.Send(decode(t, s.Message))
	case "receive":
		e := decode(t, s.Message)
		handle, err := l.Receive(&e, now)
		if err == nil && handle != s.Handle {
			t.Errorf("got handle %v, want %v", handle, s.Handle)
		}
		return err
	case "took":
		l.Took(s.Seq, now)
	case "tick":
		return l.Tick(now)
	case "ping":
		l.SetPing(time.Duration(s.IntervalMS) * time.Millisecond)
	case "attach":
		return l.Attach(s.Received, now)
	case "reset":
		var got, want []string
		for _, e := range l.Reset(now) {
			b, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, canonical(t, b))
		}
		for _, lost := range s.Lost {
			want = append(want, canonical(t, lost))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lost (-want +got):\n%s", diff)
		}
	case "next":
		got := "null"
		if b, ok := l.Next(now); ok {
			got = canonical(t, b)
		}
		if diff := cmp.Diff(canonical(t, s.Want), got); diff != "" {
			t.Errorf("next (-want +got):\n%s", diff)
		}
	default:
		t.Fatalf("unknown step %q", s.Do)
	}
	return nil
}

func decode(t *testing.T, b []byte) protocol.Envelope {
	t.Helper()
	e, _, err := protocol.Decode(b)
	if err != nil {
		t.Fatalf("decode %s: %v", b, err)
	}
	return e
}

func canonical(t *testing.T, b []byte) string {
	t.Helper()
	if len(b) == 0 {
		return "null"
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
