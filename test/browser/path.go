//go:build linux

package browser

import (
	"context"
	"fmt"
	"time"
)

// Path is which way a page's media has taken since the page was opened. Moments are of the wall clock, in milliseconds
// since 1970.
type Path struct {
	// Began is when the navigation began.
	Began float64 `json:"began"`
	// Opens are the sessions that the page has asked the hub for over its WebSocket.
	Opens []Opened `json:"opens"`
	// Pairs are the candidate pairs that ICE selected, one after the other.
	Pairs []Pair `json:"pairs"`
	// Restarts are when the page restarted ICE.
	Restarts []float64 `json:"restarts"`
	// GapMS is the longest time between the arrivals of two successive frames since Mark or the opening.
	GapMS float64 `json:"gapMS"`
}

// Opened is a session that a page asked for.
type Opened struct {
	At      float64 `json:"at"`
	Session string  `json:"session"`
}

// Pair is a candidate pair that was selected.
type Pair struct {
	At     float64   `json:"at"`
	Local  Candidate `json:"local"`
	Remote Candidate `json:"remote"`
}

// Candidate is one end of a pair. The address of a peer-reflexive candidate is empty: browsers hide it.
type Candidate struct {
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
	Address  string `json:"address"`
	Port     int    `json:"port"`
}

// Relayed says that a relay is in the way, as far as the page sees: the device's own it may take for the device.
func (p Pair) Relayed() bool { return p.Local.Type == "relay" || p.Remote.Type == "relay" }

// String has what matters of the pair.
func (p Pair) String() string {
	return fmt.Sprintf("%s/%s to %s/%s %s:%d", p.Local.Type, p.Local.Protocol, p.Remote.Type, p.Remote.Protocol, p.Remote.Address, p.Remote.Port)
}

// Path returns which way the media has taken.
func (p *Page) Path(ctx context.Context) (path Path, err error) {
	err = p.ask(ctx, "path", nil, &path)
	return path, err
}

// Reload opens the page once more, with what its browser remembers. Everything is counted anew.
func (p *Page) Reload(ctx context.Context) error {
	return p.ask(ctx, "reload", map[string]any{"timeoutMS": millis(30 * time.Second)}, nil)
}

// Pairs returns every candidate pair that the page has, in words for people.
func (p *Page) Pairs(ctx context.Context) (pairs []string, err error) {
	err = p.Evaluate(ctx, "sightlinePath.table()", &pairs)
	return pairs, err
}

// Pictures is what became of the pictures of all peer connections that a page has now, as Chromium counts it (W3C
// webrtc-stats, RTCInboundRtpStreamStats).
type Pictures struct {
	// At is when it was counted, in milliseconds since the navigation began.
	At      float64 `json:"at"`
	Freezes int     `json:"freezes"`
	FrozenS float64 `json:"frozenS"`
	Decoded int     `json:"decoded"`
	// Keyframes are those of Decoded that decoding could start with.
	Keyframes int `json:"keyframes"`
	// Packets have come, Retransmitted of them for a second time, and Lost are those that never came.
	Packets       int `json:"packets"`
	Retransmitted int `json:"retransmitted"`
	Lost          int `json:"lost"`
	// NACKs and PLIs are what the browser asked for.
	NACKs int `json:"nacks"`
	PLIs  int `json:"plis"`
	// Width and Height are those of the newest picture.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Revisions are the ICE user fragments of the page's own ends: an ICE restart changes them.
	Revisions []string `json:"revisions"`
}

// Pictures returns what became of the pictures so far.
func (p *Page) Pictures(ctx context.Context) (pictures Pictures, err error) {
	err = p.Evaluate(ctx, "sightlinePath.pictures()", &pictures)
	return pictures, err
}

// Signaled is a message of the link that has candidates in it, as JSON.
type Signaled struct {
	Sent bool   `json:"sent"` // by the page, else to it
	Data string `json:"data"`
}

// Signaled returns all such messages since the page was opened.
func (p *Page) Signaled(ctx context.Context) (messages []Signaled, err error) {
	err = p.Evaluate(ctx, "sightlinePath.signaled", &messages)
	return messages, err
}
