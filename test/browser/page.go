//go:build linux

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Page is one open page, in a browser context of its own: pages share no storage, but for those of an everyday browser.
type Page struct {
	browser *Browser
	name    string
}

// State is what the element shows to the page that embeds it.
type State struct {
	State     string `json:"state"`
	Reason    string `json:"reason"`
	DataState string `json:"dataState"`
	DataPath  string `json:"dataPath"`
	// Transport is what carries the signaling, Fallback the reason why that is no WebSocket.
	Transport string `json:"transport"`
	Fallback  string `json:"fallback"`
}

// Frames tells how the picture runs.
type Frames struct {
	// Frames counts decoded frames since the page was opened, over all its peer connections.
	Frames int `json:"frames"`
	// StallMS is the longest time without a new frame since Mark or the opening, to within 100 ms.
	StallMS float64 `json:"stallMS"`
	// Milestones are when each thing happened first, in milliseconds since the navigation began.
	Milestones Milestones `json:"milestones"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
}

// Milestones are the steps to a picture; one that was not reached is 0.
type Milestones struct {
	Peer      float64 `json:"peer"`      // the page made a peer connection
	Socket    float64 `json:"socket"`    // its socket to the hub was open
	Offer     float64 `json:"offer"`     // its own description was made
	Welcome   float64 `json:"welcome"`   // the hub's first message came
	Answer    float64 `json:"answer"`    // the device's answer came
	ICE       float64 `json:"ice"`       // a path was found
	Connected float64 `json:"connected"` // DTLS was done
	Frame     float64 `json:"frame"`     // the first frame was on the screen
}

// Region is a part of the picture in fractions of its width and height.
type Region struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Open opens a page under a name that is free.
func (b *Browser) Open(ctx context.Context, name, url string) (p *Page, err error) {
	p = &Page{browser: b, name: name}
	err = p.ask(ctx, "open", map[string]any{"url": url, "timeoutMS": millis(30 * time.Second)}, nil)
	return p, err
}

// Close closes the page as a person would close its tab.
func (p *Page) Close(ctx context.Context) error { return p.ask(ctx, "close", nil, nil) }

// State returns the element's present state.
func (p *Page) State(ctx context.Context) (s State, err error) {
	err = p.ask(ctx, "state", nil, &s)
	return s, err
}

// Until waits for a state of the element and, unless it is empty, a path.
func (p *Page) Until(ctx context.Context, state, path string, timeout time.Duration) (s State, err error) {
	err = p.ask(ctx, "until", map[string]any{"state": state, "path": path, "timeoutMS": millis(timeout)}, &s)
	if err != nil {
		now, _ := p.State(ctx)
		text, _ := p.Text(ctx)
		err = fmt.Errorf("wait for %s %s: %w; the page is %+v and reads %q", state, path, err, now, text)
	}
	return s, err
}

// Frames returns how the picture runs.
func (p *Page) Frames(ctx context.Context) (f Frames, err error) {
	err = p.ask(ctx, "frames", nil, &f)
	return f, err
}

// Grow waits until n more frames have been decoded.
func (p *Page) Grow(ctx context.Context, n int, timeout time.Duration) (f Frames, err error) {
	err = p.ask(ctx, "grow", map[string]any{"frames": n, "timeoutMS": millis(timeout)}, &f)
	return f, err
}

// Mark lets Frames.StallMS begin anew.
func (p *Page) Mark(ctx context.Context) error { return p.ask(ctx, "mark", nil, nil) }

// Text returns what a person can read on the page.
func (p *Page) Text(ctx context.Context) (text string, err error) {
	err = p.ask(ctx, "text", nil, &text)
	return text, err
}

// Reads waits until a person can read a text on the page, whatever its case.
func (p *Page) Reads(ctx context.Context, text string, timeout time.Duration) (all string, err error) {
	err = p.ask(ctx, "reads", map[string]any{"text": text, "timeoutMS": millis(timeout)}, &all)
	return all, err
}

// Moves returns the share of a region's pixels, 0 to 1, that differ after a time.
func (p *Page) Moves(ctx context.Context, r Region, after time.Duration) (share float64, err error) {
	err = p.ask(ctx, "moves", map[string]any{"region": r, "withinMS": millis(after)}, &share)
	return share, err
}

// Front brings the page's tab before the others, which are hidden then if the browser is an everyday one.
func (p *Page) Front(ctx context.Context) error { return p.ask(ctx, "front", nil, nil) }

// Freeze stops everything in a page that is hidden, as Chromium does with those that nobody has looked at for minutes.
func (p *Page) Freeze(ctx context.Context) error {
	return p.ask(ctx, "lifecycle", map[string]any{"state": "frozen"}, nil)
}

// Thaw lets a frozen page go on.
func (p *Page) Thaw(ctx context.Context) error {
	return p.ask(ctx, "lifecycle", map[string]any{"state": "active"}, nil)
}

// Evaluate runs a script in the page and decodes its value into result, unless that is nil.
func (p *Page) Evaluate(ctx context.Context, script string, result any) error {
	return p.ask(ctx, "evaluate", map[string]any{"script": script}, result)
}

// Screenshot writes a PNG picture of the page.
func (p *Page) Screenshot(ctx context.Context, file string) error {
	return p.ask(ctx, "screenshot", map[string]any{"file": file}, nil)
}

func (p *Page) ask(ctx context.Context, do string, args map[string]any, result any) error {
	command := map[string]any{"do": do, "page": p.name}
	for k, v := range args {
		command[k] = v
	}
	var raw json.RawMessage
	if err := p.browser.ask(ctx, command, &raw); err != nil || result == nil {
		return err
	}
	return json.Unmarshal(raw, result)
}

func millis(d time.Duration) int64 { return d.Milliseconds() }
