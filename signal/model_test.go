package signal

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// model is a hub with two viewers and two boxes that have the key of one device. It lets them do one thing after the
// other, and knows what must come of it: while links go on, each message arrives once and in order; when one does not
// go on, that is said for a good reason, and afterwards both ends of each session know the same.
type model struct {
	t     *testing.T
	stage *stage
	ends  []*modelEnd // viewers, then boxes

	restarts, opens, takes int
	probes                 map[probeKey][]probe
	generations            map[*modelEnd]uint64
	history                []string
	err                    error // the first thing that was wrong
}

const (
	// modelUnacked is how much may be unacknowledged, so little that an end which is away for long overflows.
	modelUnacked = 96
	// maxModelOpens bounds the sessions of one run.
	maxModelOpens = 10
	// modelSlack is how late the hub may notice that a link has no socket, or that its window is over: a ping, its
	// grace, the sweep, and what waits for the limits of a session.
	modelSlack = time.Minute
	forLong    = 10_000 * time.Hour
)

func newModel(t *testing.T, s *stage) *model {
	m := &model{t: t, stage: s, probes: map[probeKey][]probe{}, generations: map[*modelEnd]uint64{}}
	for _, e := range []*modelEnd{
		{name: "alice", role: protocol.RoleViewer},
		{name: "bob", role: protocol.RoleViewer},
		{name: "box1", role: protocol.RoleDevice},
		{name: "box2", role: protocol.RoleDevice, stopped: true},
	} {
		e.model, e.held, e.heard = m, map[protocol.SessionID]*modelSession{}, time.Now()
		e.link = link.New(link.Config{Ping: 5 * time.Second, Grace: time.Minute}, time.Now())
		m.ends = append(m.ends, e)
	}
	return m
}

// explore runs the operations that some bytes stand for, two bytes each, and returns what was wrong in the end and how
// it came to that.
func explore(t *testing.T, operations []byte) (history []string, err error) {
	t.Helper()
	configure := func(c *Config) {
		c.MediaTimeout, c.Lease, c.Link.MaxUnacked = forLong, forLong, modelUnacked
	}
	inBubble(t, configure, func(t *testing.T, s *stage) {
		m := newModel(t, s)
		m.settle(3)
		for ; len(operations) > 1 && m.err == nil; operations = operations[2:] {
			m.do(operations[0], operations[1])
		}
		m.finish()
		history, err = m.history, m.err
	})
	return history, err
}

func (m *model) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
		m.log("WRONG: %v", m.err)
	}
}

func (m *model) log(format string, args ...any) {
	m.history = append(m.history, fmt.Sprintf(format, args...))
}

func (m *model) hello(e *modelEnd) protocol.Hello {
	if e.role == protocol.RoleDevice {
		return m.stage.deviceHello(m.t, camera)
	}
	return m.stage.viewerHello(m.t, func(v *auth.Viewer) { v.Subject, v.Expires = e.name, time.Now().Add(auth.MaxViewerLife) })
}

// do is one operation.
func (m *model) do(kind, arg byte) {
	e := m.ends[arg%4]
	s := e.pick(arg / 4)
	switch kind % 16 {
	case 0, 1:
		if s != nil {
			m.log("%s sends", e.name)
			e.tell(s)
		}
	case 2:
		e.deliver()
	case 3:
		e.fetch()
	case 4, 5:
		m.flow()
	case 6, 7:
		if e.wire != nil {
			m.log("%s is cut, noticed %v", e.name, kind%16 == 6)
			e.wire.snap(kind%16 == 6)
		}
	case 8:
		if !e.stopped {
			m.log("%s connects", e.name)
			e.connect()
		}
	case 9:
		if v := m.ends[arg%2]; m.opens < maxModelOpens {
			m.opens++
			m.log("%s opens %d", v.name, m.opens)
			v.open(m.opens)
		}
	case 10:
		if s != nil {
			m.log("%s closes %d", e.name, s.number)
			e.drop(s)
		}
	case 11:
		m.pass([]time.Duration{50 * time.Millisecond, 1100 * time.Millisecond, 9 * time.Second, 31 * time.Second}[arg/4%4])
	case 12:
		if arg < 32 {
			m.pass(protocol.ResumeWindow + 2*modelSlack)
		} else {
			m.settle(1)
		}
	case 13:
		m.takeOver(m.ends[2+arg%2])
	case 14:
		if arg < 24 {
			m.restart(arg%2 == 0)
		} else {
			m.arriveLate(e)
		}
	case 15:
		switch {
		case e.wire == nil:
		case arg < 160:
			if e.greeted && e.prospect == nil {
				m.log("%s tries the other door", e.name)
				e.probe()
			}
		default:
			m.log("%s is clogged", e.name)
			e.wire.clog()
		}
	}
	m.pass(20 * time.Millisecond)
}

// pick returns one of the sessions that an end holds, nil if there is none.
func (e *modelEnd) pick(n byte) *modelSession {
	list := e.sessions()
	if len(list) == 0 {
		return nil
	}
	return list[int(n)%len(list)]
}

// pass lets time go by.
func (m *model) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	for _, e := range m.ends {
		e.tick()
	}
}

// flow lets everything arrive that is on its way, and what comes of it.
func (m *model) flow() {
	for moved := true; moved && m.err == nil; {
		moved = false
		for _, e := range m.ends {
			for e.deliver() {
				synctest.Wait() // so that it is the same each time
				moved = true
			}
		}
		for _, e := range m.ends {
			for e.fetch() {
				moved = true
			}
		}
	}
}

// settle lets every end that may come back do so, some times.
func (m *model) settle(times int) {
	for n := 0; n < times && m.err == nil; n++ {
		for _, e := range m.ends {
			if e.wire == nil && e.prospect == nil && !e.stopped {
				m.log("%s connects", e.name)
				e.connect()
			}
		}
		m.flow()
		m.pass(5 * time.Second)
	}
}

// takeOver starts the other box. The one that was told to stay away has waited.
func (m *model) takeOver(e *modelEnd) {
	m.log("%s starts", e.name)
	e.stopped = false
	e.connect()
}

// arriveLate brings a message to the hub that an end sent on a socket which it has given up, or the socket's end.
func (m *model) arriveLate(e *modelEnd) {
	if len(e.left) == 0 {
		return
	}
	m.log("%s is heard late", e.name)
	old := e.left[0]
	begun := old.begun
	if old.deliver() != nil {
		e.heard = time.Now()
		if !begun {
			e.late++
		}
	} else {
		old.abort()
		e.left = e.left[1:]
	}
}

// restart replaces the hub by another process.
func (m *model) restart(silently bool) {
	m.log("the hub restarts, silently %v", silently)
	m.restarts++
	for _, e := range m.ends {
		if e.prospect != nil {
			e.left, e.prospect = append(e.left, e.prospect), nil
		}
		for _, old := range append(e.left, e.wire) {
			if old != nil && (silently || old != e.wire || !e.greeted) {
				old.snap(true)
			}
		}
		e.left = nil
	}
	m.stage.restart(m.t)
	m.stage.mu.Lock()
	defer m.stage.mu.Unlock()
	clear(m.stage.granted) // the relay was of the same process
}

// finish lets everything come to rest and checks that both ends of every session know the same, and that nothing is left
// when all have gone.
func (m *model) finish() {
	m.forgetLeft()
	for range 12 { // over the time in which the hub gives up what nobody answers
		m.revive()
		m.settle(4)
	}
	if m.err == nil {
		m.checkSessions()
	}
	for _, e := range m.ends {
		if e.prospect != nil {
			e.left, e.prospect = append(e.left, e.prospect), nil
		}
	}
	m.forgetLeft()
	bye, _ := (&protocol.Envelope{Type: protocol.TypeBye}).Encode()
	for _, e := range m.ends {
		if e.wire != nil {
			e.wire.post(bye)
		}
	}
	for _, e := range m.ends {
		for e.deliver() {
		}
		if e.wire != nil {
			e.wire.abort()
		}
	}
	m.forgetLeft()
	m.pass(protocol.ResumeWindow + 2*modelSlack)
	h := m.stage.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.clients) + len(h.sessions) + h.parked.Len() + len(h.devices); n != 0 {
		m.fail("%d links, %d sessions, %d links without socket, %d devices are left", len(h.clients), len(h.sessions), h.parked.Len(), len(h.devices))
	}
	if n := m.stage.alive(); n != 0 {
		m.fail("%d grants are left", n)
	}
	if err := checkTold(m.stage.toldOf(camera), protocol.StatusOffline); err != nil {
		m.fail("what was told: %v", err)
	}
}

// forgetLeft ends the sockets that were given up.
func (m *model) forgetLeft() {
	for _, e := range m.ends {
		for _, old := range e.left {
			old.snap(true)
		}
		e.left = nil
	}
}

// revive lets a box come back when all of them were told to stay away.
func (m *model) revive() {
	if m.ends[2].stopped && m.ends[3].stopped {
		m.ends[2].stopped = false
	}
}
