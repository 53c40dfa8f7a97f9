package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestASessionGoesWhollyOverLongPoll(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.connect = s.longPoll
		d, v := s.device(t, camera), s.viewer(t, nil)
		if d.welcome.PingS != 32 || v.welcome.PingS != 32 {
			t.Errorf("got ping_s %d and %d, want 32", d.welcome.PingS, v.welcome.PingS)
		}
		connect(v, d, 1)
		start := time.Now()
		for n := range 10 {
			v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
			d.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		}
		for n := range 10 {
			for _, p := range []*peer{v, d} {
				if got := body[*protocol.Candidate](t, p.await(protocol.TypeCandidate)); *got != *candidate(n) {
					t.Errorf("got %+v, want candidate %d", got, n)
				}
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the candidates took %s: a poll was not woken", took)
		}
		v.send(protocol.Envelope{Type: protocol.TypeBye})
		if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonViewerLeft {
			t.Errorf("got %s, want %s", got.Reason, protocol.ReasonViewerLeft)
		}
		if got := v.closed(); got != protocol.CloseGoingAway {
			t.Errorf("the poll ended with %s", got)
		}
	})
}

// caller makes single requests of a link on the long poll door.
type caller struct {
	*pollWire
	t *testing.T
}

// call introduces a viewer of the camera by long poll; nothing polls by itself.
func (s *stage) call(t *testing.T) *caller {
	t.Helper()
	p := s.dialBy(t, s.longPoll)
	if err := p.introduce(s.viewerHello(t, nil)); err != nil {
		t.Fatal(err)
	}
	c := &caller{p.wire.(*pollWire), t}
	c.received = 0
	return c
}

// request returns the response to a request with any body.
func (c *caller) request(path string, body any) (status int, response []byte) {
	c.t.Helper()
	status, response, err := c.post(path, body)
	if err != nil {
		c.t.Error(err)
	}
	return status, response
}

// poll wants a response with messages of the kinds.
func (c *caller) poll(got, want uint64, kinds ...protocol.Type) []byte {
	c.t.Helper()
	status, b := c.request(protocol.PollPath, protocol.Poll{Got: got})
	d, err := protocol.DecodeDelivery(b)
	if status != http.StatusOK || err != nil || d.Response != want || len(d.Messages) != len(kinds) {
		c.t.Fatalf("poll %d: got %d, %.200s, want response %d with %v", got, status, b, want, kinds)
	}
	for i, message := range d.Messages {
		if e, _, _ := protocol.Decode(message); e.Type != kinds[i] {
			c.t.Errorf("got %.200s, want %s", message, kinds[i])
		}
	}
	return b
}

// gone wants a request to be answered 410.
func (c *caller) gone(path string, body any, code protocol.CloseCode, why protocol.Code) {
	c.t.Helper()
	status, b := c.request(path, body)
	if status != http.StatusGone {
		c.t.Errorf("%s %v: got %d, %s, want 410", path, body, status, b)
		return
	}
	f, err := protocol.DecodeFarewell(b)
	if err != nil || f.Close != code || f.Error.Code != why {
		c.t.Errorf("%s %v: got %s, %v, want %s, %s", path, body, b, err, code, why)
	}
}

func parcelOf(t *testing.T, messages ...protocol.Envelope) protocol.Parcel {
	t.Helper()
	var p protocol.Parcel
	for _, e := range messages {
		p.Messages = append(p.Messages, encode(t, e))
	}
	return p
}

func TestAResponseIsRepeatedUntilItIsConfirmed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := s.call(t)
		if n := len(c.waiting); n != 1 {
			t.Errorf("after the welcome %d messages came with it, want the snapshot", n)
		}
		d := s.device(t, camera)
		second := c.poll(1, 2, protocol.TypePresence)
		d.send(protocol.Envelope{Type: protocol.TypeBye})
		s.until(t, "the device is offline", func() bool { return s.hub.Presence(camera).Status == protocol.StatusOffline })
		if again := c.poll(1, 2, protocol.TypePresence); !bytes.Equal(again, second) {
			t.Errorf("got %s, want %s again", again, second)
		}
		c.poll(2, 3, protocol.TypePresence)
		start := time.Now()
		c.poll(3, 4)
		if got := time.Since(start); got != protocol.PollWait {
			t.Errorf("an empty response came after %s, want %s", got, protocol.PollWait)
		}
		c.poll(3, 4) // it has a number too
	})
}

func TestAPollThatFitsNoResponseHarmsNobody(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := s.call(t)
		s.device(t, camera)
		c.poll(1, 2, protocol.TypePresence)
		c.poll(2, 3)
		for _, got := range []uint64{0, 1, 4, 1 << 60} { // the last response is the third
			c.gone(protocol.PollPath, protocol.Poll{Got: got}, protocol.CloseGoingAway, protocol.CodeSequence)
		}
		c.poll(3, 4)
	})
}

func TestANewerPollEndsTheOlder(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := s.call(t)
		const polls = 5
		statuses := make(chan int, polls)
		for range polls {
			s.pumps.Go(func() {
				status, _ := c.request(protocol.PollPath, protocol.Poll{Got: 1})
				statuses <- status
			})
			synctest.Wait()
		}
		for range polls - 1 {
			if got := <-statuses; got != http.StatusNoContent {
				t.Errorf("an older poll got %d, want 204", got)
			}
		}
		start := time.Now()
		s.device(t, camera)
		if got := <-statuses; got != http.StatusOK || time.Since(start) != 0 {
			t.Errorf("the newest got %d after %s, want 200 at once", got, time.Since(start))
		}
	})
}

func TestASendIsTakenOnceAndAHoleInItEndsTheLink(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c, d := s.call(t), s.device(t, camera)
		first := protocol.Must(protocol.TypeCandidate, sessionID(1), candidate(1))
		first.Seq = 2
		parcel := parcelOf(t, opening(), first)
		for range 3 {
			status, b := c.request(protocol.SendPath, parcel)
			if want := `{"received":2}`; status != http.StatusOK || string(b) != want {
				t.Errorf("got %d, %s, want %s", status, b, want)
			}
		}
		d.await(protocol.TypeInvite)
		d.await(protocol.TypeCandidate)
		if got := d.settled(); len(got) != 0 {
			t.Errorf("the device got %v too", got)
		}
		late := first
		late.Seq = 4
		polled := make(chan int, 1)
		c.poll(1, 2, protocol.TypeOpened, protocol.TypePresence)
		s.pumps.Go(func() {
			status, _ := c.request(protocol.PollPath, protocol.Poll{Got: 2})
			polled <- status
		})
		synctest.Wait()
		c.gone(protocol.SendPath, parcelOf(t, late), protocol.CloseVersion, protocol.CodeSequence)
		if got := <-polled; got != http.StatusGone {
			t.Errorf("the poll ended with %d, want 410", got)
		}
		s.until(t, "the link has ended", func() bool { return s.hub.Counts().Viewers == 0 })
		c.gone(protocol.PollPath, protocol.Poll{}, protocol.CloseGoingAway, protocol.CodeUnknownLink)
	})
}

func TestABrokenBodyEndsItsLink(t *testing.T) {
	for path, body := range map[string]any{protocol.SendPath: protocol.Parcel{}, protocol.PollPath: []int{}} {
		inBubble(t, nil, func(t *testing.T, s *stage) {
			c := s.call(t)
			c.gone(path, body, protocol.CloseVersion, protocol.CodeBadMessage)
			s.until(t, "the link has ended", func() bool { return s.hub.Counts() == Counts{} })
		})
	}
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := s.call(t)
		c.gone(protocol.PollPath, protocol.Poll{Received: 9, Got: 1}, protocol.CloseVersion, protocol.CodeSequence)
	})
}

func TestARequestThatNamesNoLinkHere(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c, v := s.call(t), s.viewer(t, nil)
		good := c.authorization
		for _, bad := range []string{"Bearer x", "Link x.y", good + "0", protocol.Authorization(v.welcome.Link, "key")} {
			c.authorization = bad
			c.gone(protocol.PollPath, protocol.Poll{Got: 1}, protocol.CloseGoingAway, protocol.CodeUnknownLink)
		}
		c.authorization = protocol.Authorization(v.welcome.Link, v.welcome.Key) // on another door
		c.gone(protocol.PollPath, protocol.Poll{Got: 1}, protocol.CloseGoingAway, protocol.CodeGoingAway)
		c.authorization = good
		c.poll(1, 2)
	})
}

func TestALinkOfWhichNoPollComesIsParkedAndResumesOnEitherDoor(t *testing.T) {
	for name, polls := range map[string]bool{"long poll": true, "socket": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *stage) {
				socket := s.connect
				v := s.viewer(t, nil)
				s.connect = s.longPoll
				d := s.device(t, camera)
				connect(v, d, 1)
				d.wire.cut()
				v.post(protocol.TypeCandidate, sessionID(1), candidate(1))
				start := time.Now()
				s.until(t, "the device is suspect", func() bool { return s.hub.Presence(camera).Status == protocol.StatusSuspect })
				if got, want := time.Since(start).Round(time.Second), 40*time.Second; got > want || got < want-protocol.PollWait {
					t.Errorf("it was missed after %s, want %s after its last poll", got, want)
				}
				if got := s.dropped(t, 0); got.Cause != record.CauseSilent || got.Transport != protocol.TransportLongPoll {
					t.Errorf("got %+v", got)
				}
				if !polls {
					s.connect = socket
				}
				d = d.back(s.deviceHello(t, camera))
				wantResumed(t, d, "")
				if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(1) {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

func TestAResumeOnTheLongPollDisplacesThePollThatWaits(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.connect = s.longPoll
		d := s.device(t, camera)
		synctest.Wait() // it polls
		again := d.back(s.deviceHello(t, camera))
		wantResumed(t, again, "")
		if got := d.closed(); got != protocol.CloseGoingAway {
			t.Errorf("the older poll ended with %s", got)
		}
		if got := s.dropped(t, 0); got.Cause != record.CauseReplaced {
			t.Errorf("got %s, want %s", got.Cause, record.CauseReplaced)
		}
	})
}

func TestALostResponseIsNotLostToTheClient(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := s.call(t)
		c.poll(1, 2)
		left := newPollWire(s.doors())
		left.authorization = c.authorization
		s.pumps.Go(func() { _, _, _ = left.post(protocol.PollPath, protocol.Poll{Got: 2}) })
		synctest.Wait()
		left.cut() // while it waits
		synctest.Wait()
		s.device(t, camera)
		c.poll(2, 3, protocol.TypePresence)
	})
}

func TestAHelloIsRefusedByLongPollAsOnASocket(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		c := &caller{newPollWire(s.doors()), t}
		hello := s.viewerHello(t, nil)
		hello.Version = 99
		c.gone(protocol.SendPath, parcelOf(t, protocol.Must(protocol.TypeHello, "", &hello)), protocol.CloseVersion, protocol.CodeVersion)
		hello.Version, hello.Token = protocol.Version, "x"
		c.gone(protocol.SendPath, parcelOf(t, protocol.Must(protocol.TypeHello, "", &hello)), protocol.CloseBadToken, protocol.CodeBadToken)
		c.gone(protocol.SendPath, parcelOf(t, protocol.Envelope{Type: protocol.TypePing}), protocol.CloseVersion, protocol.CodeBadMessage)
		for _, body := range []any{nil, protocol.Parcel{}, map[string]int{"messages": 1}, protocol.Parcel{Messages: []json.RawMessage{[]byte("1"), []byte("1")}}} {
			if status, b := c.request(protocol.SendPath, body); status != http.StatusBadRequest {
				t.Errorf("%v: got %d, %s, want 400", body, status, b)
			}
		}
		if got := s.hub.Counts(); got != (Counts{}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestARevokedViewerOfLongPollIsTold(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.connect = s.longPoll
		v := s.viewer(t, nil)
		synctest.Wait() // it polls
		s.hub.RevokeKey(t.Context(), apiKey)
		if got := v.closed(); got != protocol.CloseRevoked {
			t.Errorf("closed with %s, want %s", got, protocol.CloseRevoked)
		}
	})
}

func TestAHubThatStopsSendsAwayWhoPolls(t *testing.T) {
	inBubble(t, func(c *Config) { c.GoawayGrace = time.Second }, func(t *testing.T, s *stage) {
		s.connect = s.longPoll
		d := s.device(t, camera)
		c := s.call(t)
		s.stop(t)
		d.await(protocol.TypeGoaway)
		if got := d.closed(); got != protocol.CloseGoingAway {
			t.Errorf("closed with %s, want %s", got, protocol.CloseGoingAway)
		}
		status, b := c.request(protocol.PollPath, protocol.Poll{Got: 1})
		if f, err := protocol.DecodeFarewell(b); status != http.StatusGone || err != nil || f.Close != protocol.CloseGoingAway {
			t.Errorf("a poll after that got %d, %s", status, b)
		}
	})
}

// opening is the open of a session as the first message of a link.
func opening() protocol.Envelope {
	e := protocol.Must(protocol.TypeOpen, sessionID(1), &protocol.Open{
		Device: camera, Owner: owner, Media: protocol.Media{Video: true}, Offer: offer,
	})
	e.Seq, e.ID = 1, 1
	return e
}

func TestALargeQueueIsDeliveredInSeveralResponses(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, c := s.device(t, camera), s.call(t)
		c.request(protocol.SendPath, parcelOf(t, opening()))
		d.await(protocol.TypeInvite)
		large := strings.Repeat("x", protocol.MaxSDPBytes-1)
		for n := range 5 {
			d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: n + 1, Kind: protocol.DescribeAnswer, SDP: large})
		}
		d.settled()
		const describe = protocol.TypeDescribe
		if b := c.poll(1, 2, protocol.TypeOpened, describe, describe, describe, describe); len(b) > protocol.MaxParcelBytes {
			t.Errorf("a response has %d bytes", len(b))
		}
		c.poll(2, 3, describe)
	})
}

// onHTTP gives a test a hub behind real HTTP, of which nothing is left at the end.
func onHTTP(t *testing.T, configure func(*Config)) (s *stage, url string) {
	t.Helper()
	s = onSockets(t, configure)
	server := httptest.NewServer(s.doors())
	t.Cleanup(server.Close)
	return s, server.URL
}

// overHTTP makes the requests of a wire go over a network.
type overHTTP struct{ url string }

func (o overHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL, _ = out.URL.Parse(o.url + r.URL.Path)
	response, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	b, _ := io.ReadAll(response.Body)
	if response.ContentLength < 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(b)
}

func TestASessionOverRealRequests(t *testing.T) {
	s, url := onHTTP(t, nil)
	s.connect = func(*testing.T) wire { return newPollWire(overHTTP{url}) }
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)
	for n := range 10 {
		v.post(protocol.TypeCandidate, sessionID(1), candidate(n))
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)); *got != *candidate(n) {
			t.Errorf("got %+v, want candidate %d", got, n)
		}
	}
	again := d.back(s.deviceHello(t, camera))
	wantResumed(t, again, "")
	v.wire.cut()
	again.send(protocol.Envelope{Type: protocol.TypeBye})
	s.until(t, "the device has left", func() bool { return s.hub.Counts().Devices == 0 })
}

func TestWhatRequestsOfTheLongPollDoorMeet(t *testing.T) {
	s, url := onHTTP(t, func(c *Config) { c.Origins = []string{"https://shop.example"} })
	poll := s.call(t).authorization
	for name, test := range map[string]struct {
		method, path, origin, authorization, body string
		status                                    int
		allowed                                   string
	}{
		"a preflight":         {method: "OPTIONS", path: protocol.SendPath, origin: "https://shop.example", status: 204, allowed: "https://shop.example"},
		"of another site":     {method: "OPTIONS", path: protocol.PollPath, origin: "https://evil.example", status: 403},
		"a post of it":        {method: "POST", path: protocol.SendPath, origin: "https://evil.example", status: 403},
		"the hub's own page":  {method: "POST", path: protocol.SendPath, origin: url, body: "{}", status: 400, allowed: url},
		"a GET":               {method: "GET", path: protocol.PollPath, status: 405},
		"a poll of nobody":    {method: "POST", path: protocol.PollPath, body: "{}", status: 410},
		"a large poll":        {method: "POST", path: protocol.PollPath, authorization: poll, body: strings.Repeat(" ", 2<<10), status: 413},
		"a large hello":       {method: "POST", path: protocol.SendPath, body: strings.Repeat(" ", protocol.MaxMessageBytes+2<<10), status: 413},
		"a large send":        {method: "POST", path: protocol.SendPath, authorization: poll, body: strings.Repeat(" ", protocol.MaxParcelBytes+1), status: 413},
		"a site's own answer": {method: "POST", path: protocol.PollPath, origin: "https://shop.example", body: "{}", status: 410, allowed: "https://shop.example"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, url+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			for header, value := range map[string]string{"Origin": test.origin, "Authorization": test.authorization} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			h := response.Header
			if response.StatusCode != test.status || h.Get("Access-Control-Allow-Origin") != test.allowed {
				t.Errorf("got %s for %q, want %d for %q", response.Status, h.Get("Access-Control-Allow-Origin"), test.status, test.allowed)
			}
			if h.Get(protocol.ServerHeader) != "node" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("got headers %v", h)
			}
			if test.method == "OPTIONS" && test.allowed != "" {
				if h.Get("Access-Control-Max-Age") != "7200" || h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" {
					t.Errorf("got headers %v", h)
				}
			}
		})
	}
}

func TestAPollThatItsClientLeavesEnds(t *testing.T) {
	s, url := onHTTP(t, nil)
	c := s.call(t)
	left := newPollWire(overHTTP{url})
	left.authorization = c.authorization
	s.pumps.Go(func() { _, _, _ = left.post(protocol.PollPath, protocol.Poll{Got: 1}) })
	waits := func() bool {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		for _, client := range s.hub.clients {
			socket := client.carrier.socket.(*pollSocket)
			socket.mu.Lock()
			defer socket.mu.Unlock()
			return socket.newest != nil
		}
		return false
	}
	s.until(t, "the poll waits", waits)
	left.cut()
	s.until(t, "the poll has ended", func() bool { return !waits() })
}

func TestTheErrorOfAFarewellIsThatOfASocket(t *testing.T) {
	why := protocol.Errorf(protocol.CodeRateLimited, "too much").Because(errors.New("secret"))
	why.RetryMS = 1500
	a := refusal(why)
	if want := `{"close":4013,"error":{"code":"rate_limited","message":"too much","retry_ms":1500}}`; a.status != 410 || string(a.body) != want {
		t.Errorf("got %d, %s, want %s", a.status, a.body, want)
	}
}
