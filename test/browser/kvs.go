//go:build linux

package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// kvsSDK is the SDK for Kinesis Video Streams as it comes from npm, for pages without a bundler.
const kvsSDK = "node_modules/amazon-kinesis-video-streams-webrtc/dist/kvs-webrtc.min.js"

// KVS puts the SDK for Kinesis Video Streams into the page, and what a page does with it (kvs.js).
func (p *Page) KVS(ctx context.Context) error {
	for _, file := range []string{kvsSDK, "kvs.js"} {
		script, err := os.ReadFile(filepath.Join(p.browser.folder, file))
		if err != nil {
			return err
		}
		if err := p.Evaluate(ctx, string(script)+"\nnull", nil); err != nil {
			return fmt.Errorf("put %s into the page: %w", file, err)
		}
	}
	return nil
}

// WatchKVS looks at a camera with the SDK; base is the camera's address at the KVS door.
func (p *Page) WatchKVS(ctx context.Context, base, token, client string) error {
	return p.Evaluate(ctx, fmt.Sprintf("kvs.watch(%q, %q, %q)", base, token, client), nil)
}

// ServeKVS makes the page a camera that shows changing colours, and returns when it is connected.
func (p *Page) ServeKVS(ctx context.Context, base, token string) error {
	return p.Evaluate(ctx, fmt.Sprintf("kvs.serve(%q, %q)", base, token), nil)
}

// HangUpKVS closes the page's sockets to the door; its peer connections go on.
func (p *Page) HangUpKVS(ctx context.Context) error {
	return p.Evaluate(ctx, "kvs.clients.forEach((client) => client.close())", nil)
}

// KVSStatuses are the status responses that the page has been sent.
func (p *Page) KVSStatuses(ctx context.Context) (list []map[string]string, err error) {
	err = p.Evaluate(ctx, "kvs.statuses", &list)
	return list, err
}
