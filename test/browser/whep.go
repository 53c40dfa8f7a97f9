//go:build linux

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// whepSources are a WHEP player, as it comes from npm, and what it needs of other packages.
var whepSources = map[string]string{
	"player": "node_modules/@eyevinn/webrtc-player/dist/main.js",
	"events": "node_modules/events/events.js",
}

// WHEP puts the player into the page, and what a page does with it (whep.js).
func (p *Page) WHEP(ctx context.Context) error {
	if err := p.Evaluate(ctx, "window.whepSources = {}; null", nil); err != nil {
		return err
	}
	for name, file := range whepSources {
		source, err := os.ReadFile(filepath.Join(p.browser.folder, file))
		if err != nil {
			return err
		}
		if err := p.Evaluate(ctx, fmt.Sprintf("whepSources.%s = %s; null", name, quoted(source)), nil); err != nil {
			return fmt.Errorf("put %s into the page: %w", file, err)
		}
	}
	script, err := os.ReadFile(filepath.Join(p.browser.folder, "whep.js"))
	if err != nil {
		return err
	}
	return p.Evaluate(ctx, string(script)+"\nnull", nil)
}

// WatchWHEP plays a camera's endpoint with the player.
func (p *Page) WatchWHEP(ctx context.Context, url, token string) error {
	return p.Evaluate(ctx, fmt.Sprintf("whep.watch(%q, %q)", url, token), nil)
}

// UnloadWHEP ends the player, which deletes its session.
func (p *Page) UnloadWHEP(ctx context.Context) error {
	return p.Evaluate(ctx, "whep.player.unload()", nil)
}

// WHEPFailures is how many offers were refused.
func (p *Page) WHEPFailures(ctx context.Context) (n int, err error) {
	err = p.Evaluate(ctx, "whep.failures", &n)
	return n, err
}

// quoted writes a source as a string of JavaScript.
func quoted(source []byte) string {
	b, err := json.Marshal(string(source))
	if err != nil {
		panic(err) // a text can be written
	}
	return string(b)
}
