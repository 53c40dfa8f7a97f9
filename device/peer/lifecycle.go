package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// lifecycle decides, from the clock and from what ICE and DTLS have reached, when a peer must ask for an ICE restart
// and when it must end. It does nothing itself.
type lifecycle struct {
	cfg    Config
	opened time.Time
	// expires is the end of the lease; zero means none.
	expires time.Time
	// answered is when the newest answer was made; zero means none yet.
	answered time.Time
	// heard is when the viewer's newest candidate came; zero means none yet.
	heard time.Time
	// ice is the state of ICE and since when it is in it.
	ice   webrtc.ICEConnectionState
	since time.Time
	// secured says that DTLS is done.
	secured bool
	// trying says that ICE has not connected since the newest ICE generation began.
	trying bool
	// asked is when the viewer was asked for a restart; zero means not since ICE was connected.
	asked time.Time
	// slack is how long the viewer's offer took after that, of which signaling is nearly all; 0 while there is none.
	slack time.Duration
	// relays says that there are relays that ICE does not have yet and may take.
	relays bool
	// blocked says that the device is shut in: without relays of its own there is nothing to wait for.
	// unheard says that this may be so: there is little to wait for.
	blocked, unheard bool
	// renewal is the wish for an ICE restart of a session that may well be connected.
	renewal renewal
	// relay bounds the time over a relay.
	relay relayClock
	// forbidden is since when media has been held back because its path is not allowed; zero means that it is.
	forbidden time.Time
}

// action is what a peer has to do.
type action int

const (
	wait    action = iota
	restart        // ask the viewer for an ICE restart, with all relays that there are
	renew          // ask the viewer for an ICE restart, since there is a better way now
	end
)

// step is an action, when it is due, and the reason of an end.
type step struct {
	action action
	at     time.Time
	reason protocol.Reason
}

// next returns the step that is due first. Its time may have passed; a zero time with wait means never.
func (l *lifecycle) next() step {
	first := step{}
	for _, s := range []step{l.lease(), l.quota(), l.connection(), l.renewing()} {
		if s.action != wait && (first.action == wait || s.at.Before(first.at)) {
			first = s
		}
	}
	return first
}

func (l *lifecycle) lease() step {
	if l.expires.IsZero() {
		return step{}
	}
	return step{end, l.expires, protocol.ReasonExpired}
}

func (l *lifecycle) quota() step {
	at := l.relay.end()
	if at.IsZero() {
		return step{}
	}
	return step{end, at, protocol.ReasonQuota}
}

func (l *lifecycle) renewing() step {
	at := l.renewal.due()
	if at.IsZero() || l.answered.IsZero() || !l.asked.IsZero() {
		return step{}
	}
	return step{renew, at, ""}
}

func (l *lifecycle) connection() step {
	switch {
	case l.answered.IsZero():
		return step{end, l.opened.Add(l.cfg.OfferTimeout), protocol.ReasonTimeout}
	case l.connected():
		return l.pair()
	case !l.asked.IsZero() && l.failed() && l.since.After(l.asked):
		return step{end, l.since, protocol.ReasonICEFailed}
	case !l.asked.IsZero():
		return step{end, l.asked.Add(l.cfg.RestartTimeout + l.slack), protocol.ReasonICEFailed}
	case l.failed():
		return step{restart, l.since, ""}
	case l.trying && l.relays:
		return step{restart, l.relaysDue(), ""}
	}
	return step{}
}

// pair is what is due while ICE is connected.
func (l *lifecycle) pair() step {
	switch {
	case !l.secured:
		return step{end, l.since.Add(l.cfg.HandshakeTimeout), protocol.ReasonICEFailed}
	case !l.forbidden.IsZero():
		return step{end, l.forbidden.Add(l.cfg.RestartTimeout), protocol.ReasonICEFailed}
	}
	return step{}
}

// relaysDue is when relays of the device's own are taken up.
func (l *lifecycle) relaysDue() time.Time {
	switch {
	case l.blocked:
		return l.answered
	case l.unheard:
		return l.begun().Add(l.cfg.RelayAfter / 4)
	}
	return l.begun().Add(l.cfg.RelayAfter)
}

// begun is when ICE began to try: with the answer, or with the viewer's candidates where these come later. Those that
// are later than RelayAfter no longer count.
func (l *lifecycle) begun() time.Time {
	latest := l.answered.Add(l.cfg.RelayAfter)
	switch {
	case l.heard.Before(l.answered):
		return l.answered
	case l.heard.After(latest):
		return latest
	}
	return l.heard
}

func (l *lifecycle) connected() bool {
	return l.ice == webrtc.ICEConnectionStateConnected || l.ice == webrtc.ICEConnectionStateCompleted
}

func (l *lifecycle) failed() bool { return l.ice == webrtc.ICEConnectionStateFailed }

// enter notes a change of ICE's state.
func (l *lifecycle) enter(state webrtc.ICEConnectionState, now time.Time) {
	l.ice, l.since = state, now
	if l.connected() {
		l.trying, l.asked, l.slack = false, time.Time{}, 0
	}
}

// answer notes an answer, and whether a new ICE generation began with it.
func (l *lifecycle) answer(fresh bool, now time.Time) {
	l.answered = now
	if fresh && !l.asked.IsZero() && l.slack == 0 {
		l.slack = now.Sub(l.asked)
	}
	l.trying = l.trying || fresh
	if fresh {
		l.renewal.fulfil()
	}
}
