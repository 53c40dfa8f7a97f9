package signal

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// FuzzLongPoll hands requests to the long poll door: each line of text is a path's first letter (s, p), an authorization
// or -, and a body. LINK, KEY and TOKEN stand for those of a viewer that has a link there.
func FuzzLongPoll(f *testing.F) {
	const (
		resume = `s - {"messages":[{"type":"hello","data":{"version":1,"role":"viewer","token":"TOKEN","client":{"name":"x"},` +
			`"resume":{"link":"LINK","key":"KEY","received":0},"fallback":{"reason":"status","detail":"HTTP 200"}}}]}`
		hold = `p Link_LINK.KEY {"got":1,"received":0}`
	)
	for _, seed := range []string{
		hold, hold + "\n" + hold, resume, resume + "\n" + hold, hold + "\n" + resume + "\n" + hold,
		`p Link_LINK.KEY {"got":9}`, `p Link_LINK.KEY {"received":9,"got":1}`, `p Link_LINK.KEY null`, `p Link_LINK.x {}`, `p - {}`,
		`s Link_LINK.KEY {"messages":[{"type":"ping"},{"type":"bye"}]}`, `s Link_LINK.KEY {"messages":[{"type":"extend","seq":1,"id":1}]}` + "\n" + hold,
		`s Link_LINK.KEY {"messages":[{"type":"extend","seq":3}]}` + "\n" + hold, `s Link_LINK.KEY {"messages":[1]}`, `s - {"messages":[]}`,
		strings.Replace(resume, `"received":0`, `"received":18446744073709551615`, 1), strings.Replace(resume, "KEY", "x", 1),
		strings.Replace(resume, `"status"`, `"bad"`, 1), strings.Replace(resume, "LINK", "", 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newStage(t, func(c *Config) { c.PollWait = time.Millisecond })
		s.hub = New(s.config)
		s.hub.running = true
		doors := s.doors()
		w := newPollWire(doors)
		hello := s.viewerHello(t, nil)
		hello.Version = protocol.Version
		if err := w.write(encode(t, protocol.Must(protocol.TypeHello, "", &hello))); err != nil {
			t.Fatal(err)
		}
		link, key, _ := protocol.ParseAuthorization(w.authorization)
		replace := strings.NewReplacer("LINK", string(link), "KEY", key, "TOKEN", hello.Token)
		for i, line := range strings.Split(text, "\n") {
			parts := strings.SplitN(line, " ", 3)
			if i == maxFuzzed || len(parts) < 3 {
				break
			}
			path := protocol.SendPath
			if strings.HasPrefix(parts[0], "p") {
				path = protocol.PollPath
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader([]byte(replace.Replace(parts[2]))))
			if parts[1] != "-" {
				r.Header.Set("Authorization", strings.ReplaceAll(replace.Replace(parts[1]), "_", " "))
			}
			recorder := httptest.NewRecorder()
			doors.ServeHTTP(recorder, r)
			b := recorder.Body.Bytes()
			var err error
			switch recorder.Code {
			case http.StatusOK:
				if path == protocol.PollPath {
					_, err = protocol.DecodeDelivery(b)
				}
			case http.StatusGone:
				_, err = protocol.DecodeFarewell(b)
			case http.StatusNoContent, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			case http.StatusTooManyRequests, http.StatusServiceUnavailable: // by admission
			default:
				t.Errorf("%q: got %d, %s", line, recorder.Code, b)
			}
			if err != nil {
				t.Errorf("%q: got %d, %s: %v", line, recorder.Code, b, err)
			}
		}
		s.hub.mu.Lock()
		clients := make([]*client, 0, len(s.hub.clients))
		for _, c := range s.hub.clients {
			clients = append(clients, c)
		}
		s.hub.mu.Unlock()
		for _, c := range clients {
			c.close(stoppingError)
		}
		s.hub.work.Wait()
		if got := s.hub.Counts(); got != (Counts{}) || len(s.hub.devices) != 0 {
			t.Errorf("%+v and %d devices are left", got, len(s.hub.devices))
		}
	})
}
