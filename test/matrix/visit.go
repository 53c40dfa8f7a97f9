//go:build linux

package matrix

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/rig"
)

// look is how often the page is asked. It notes moments by itself.
const look = 50 * time.Millisecond

// visit is one look at the device.
type visit struct {
	stage  *Stage
	late   *barrier
	page   *browser.Page
	result *Result
}

func (v *visit) run(ctx context.Context, chromium *browser.Browser) (err error) {
	s := v.stage
	s.visits++
	v.page, err = chromium.Open(ctx, "page", s.hub.WatchURL(s.agent.Device, s.token, ""))
	if err != nil {
		return err
	}
	path, shown, err := v.first(ctx)
	if err != nil || !shown {
		v.noPicture(ctx, path)
		return err
	}
	if path, err = v.watch(ctx, path); err != nil {
		return err
	}
	session := path.Opens[len(path.Opens)-1].Session
	if err := v.ask(ctx, session, path); err != nil {
		return err
	}
	if v.result.judge(); v.result.Wrong != "" {
		v.explain(ctx)
	}
	if !v.result.Direct() {
		if err := v.revisit(ctx); err != nil {
			return err
		}
	}
	if err := v.page.Close(ctx); err != nil {
		return err
	}
	return v.bill(ctx, session)
}

// first waits until there is a path and a picture.
func (v *visit) first(ctx context.Context) (path browser.Path, shown bool, err error) {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if path, err = v.page.Path(ctx); err != nil {
			return path, false, err
		}
		if len(path.Pairs) > 0 && len(path.Opens) > 0 {
			frames, err := v.page.Frames(ctx)
			if err != nil || frames.Frames > 0 {
				return path, err == nil, err
			}
		}
		if err := pause(ctx, look); err != nil {
			return path, false, err
		}
	}
	return path, false, nil
}

func (v *visit) noPicture(ctx context.Context, path browser.Path) {
	state, _ := v.page.State(ctx)
	v.result.Wrong = fmt.Sprintf("no picture in %v: the page says %q %q after %d sessions and %d paths", patience, state.State, state.Reason, len(path.Opens), len(path.Pairs))
	v.explain(ctx)
}

// explain puts into the log what the page has tried, and what the relay has been asked.
func (v *visit) explain(ctx context.Context) {
	log := v.stage.rig.Log
	pairs, err := v.page.Pairs(ctx)
	if err != nil {
		log.Say(err.Error())
	}
	for _, pair := range pairs {
		log.Say(pair)
	}
	counts, err := v.stage.hub.Metrics(ctx, "sightline_turn_")
	if err != nil {
		log.Say(err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			log.Say(fmt.Sprintf("%s %.0f, of all visits", name, counts[name]))
		}
	}
}

// watch waits for as long as a path may still change, and notes when it did.
func (v *visit) watch(ctx context.Context, path browser.Path) (browser.Path, error) {
	if v.stage.conditions.LateMS > 0 {
		return v.watchLate(ctx, path)
	}
	first := moment(path.Pairs[0].At)
	for {
		since := first
		limit := afterRelay
		if newest := path.Pairs[len(path.Pairs)-1]; !v.relayed(newest) {
			since, limit = moment(newest.At), afterDirect
		}
		if time.Since(since) > limit {
			v.result.Restarts = len(path.Restarts)
			return path, nil
		}
		if err := pause(ctx, look); err != nil {
			return path, err
		}
		var err error
		if path, err = v.page.Path(ctx); err != nil {
			return path, err
		}
	}
}

// watchLate frees the way some time after the first path, and waits for the upgrade.
func (v *visit) watchLate(ctx context.Context, path browser.Path) (browser.Path, error) {
	at := moment(path.Pairs[0].At).Add(time.Duration(v.stage.conditions.LateMS) * time.Millisecond)
	if err := pause(ctx, time.Until(at)); err != nil {
		return path, err
	}
	if err := v.page.Mark(ctx); err != nil {
		return path, err
	}
	if err := v.late.free(ctx); err != nil {
		return path, err
	}
	for time.Since(v.late.freed) < afterLate {
		var err error
		if path, err = v.page.Path(ctx); err != nil {
			return path, err
		}
		newest := path.Pairs[len(path.Pairs)-1]
		if !v.relayed(newest) && time.Since(moment(newest.At)) > afterDirect {
			break
		}
		if err := pause(ctx, look); err != nil {
			return path, err
		}
	}
	v.upgraded(path)
	return path, nil
}

// upgraded notes what became of a session that was late.
func (v *visit) upgraded(path browser.Path) {
	freed := float64(v.late.freed.UnixMicro()) / 1000
	for _, at := range path.Restarts {
		if at > freed {
			v.result.Restarts++
		}
	}
	v.result.GapMS = rounded(path.GapMS)
	if direct, ok := v.direct(path); ok {
		v.result.UpgradeMS = rounded(direct - freed)
	}
}

// ask notes the times of the page and what the server knows of the session while it lives.
func (v *visit) ask(ctx context.Context, session string, path browser.Path) error {
	s := v.stage
	opened := path.Opens[len(path.Opens)-1].At
	v.result.LoadMS = tenths(path.Opens[0].At - path.Began)
	v.result.FirstPathMS = rounded(path.Pairs[0].At - opened)
	v.result.RelayedFirst = v.relayed(path.Pairs[0])
	v.result.Pair = path.Pairs[len(path.Pairs)-1].String()
	if len(path.Opens) > 1 {
		v.result.Wrong = fmt.Sprintf("the page needed %d sessions", len(path.Opens))
		v.result.FirstPathMS = rounded(path.Pairs[0].At - path.Opens[0].At)
	}
	known, err := s.api.Session(ctx, session)
	if err != nil {
		return err
	}
	if known.Path == nil {
		v.result.Wrong = "neither end told the server its path"
		return nil
	}
	v.result.Path, v.result.Means = protocol.PathKind(known.Path.Kind), protocol.Means(known.Path.Means)
	if known.RelayReason != nil {
		v.result.Reason = known.RelayReason.Text
	}
	direct, ok := v.direct(path)
	switch {
	case ok && v.result.Direct():
		v.result.DirectMS = rounded(direct - opened)
	case v.result.Direct():
		v.result.Wrong = fmt.Sprintf("the page's pair is %s and the server says direct", v.result.Pair)
	case ok: // the device's relay, which the page takes for the device
		v.result.RelayedFirst = true
	}
	v.result.Allocations, err = s.hub.Allocations(ctx)
	return err
}

// direct returns when the page's media left the relay for good.
func (v *visit) direct(path browser.Path) (at float64, ok bool) {
	for _, p := range path.Pairs {
		switch {
		case v.relayed(p):
			ok = false
		case !ok:
			at, ok = p.At, true
		}
	}
	return at, ok
}

// relayed says that a relay is in the way of a pair, as far as the page can tell.
func (v *visit) relayed(p browser.Pair) bool {
	return p.Relayed() || p.Remote.Address == v.stage.rig.Server.Addr.String()
}

// revisit opens the page again in the same browser, and notes its first path.
func (v *visit) revisit(ctx context.Context) error {
	if err := v.page.Reload(ctx); err != nil {
		return err
	}
	path, shown, err := v.first(ctx)
	if err != nil {
		return err
	}
	if !shown {
		v.result.Wrong = "no picture at the second visit"
		v.explain(ctx)
		return nil
	}
	v.result.RevisitMS = rounded(path.Pairs[0].At - path.Opens[0].At)
	return nil
}

// bill waits until the session has ended and its relayed bytes are in the books.
func (v *visit) bill(ctx context.Context, session string) error {
	var known rig.Session
	for before, deadline := uint64(0), time.Now().Add(3*time.Second); time.Now().Before(deadline); {
		var err error
		if known, err = v.stage.api.Session(ctx, session); err != nil {
			return err
		}
		bytes := known.Relayed.UpBytes + known.Relayed.DownBytes
		if known.State == "ended" && bytes == before && (bytes > 0 || v.result.Direct()) {
			break
		}
		before = bytes
		if err := pause(ctx, 2*look); err != nil {
			return err
		}
	}
	v.result.RelayBytes = known.Relayed.UpBytes + known.Relayed.DownBytes
	return nil
}

func moment(at float64) time.Time { return time.UnixMicro(int64(at * 1000)) }

func rounded(ms float64) *float64 {
	ms = tenths(ms)
	return &ms
}
