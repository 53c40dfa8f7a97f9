//go:build linux

// Package rig puts the whole product together on a lab: the hub, an agent, an RTSP camera and a browser, each a real
// program on a host of its own. Tests and measurements share it. It keeps to the product's public face: flags, the
// REST API, the page and its element.
package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// Rig is a lab or a town with the product's programs in it. The caller closes it. It is safe for concurrent use.
type Rig struct {
	// Lab or Town is the network; the other is nil.
	Lab  *natlab.Lab
	Town *natlab.Town
	// Camera, Server and Viewer are where the agent, the hub and the browser run; Partner is where the API is used.
	Camera, Server, Viewer, Partner *natlab.Host
	// Log is what all programs said.
	Log *Log

	root    string // of the source tree
	scratch string

	mu      sync.Mutex // guards what follows
	closers []func() error
	boxes   byte
}

// Open builds the lab; the programs are started one by one.
func Open(ctx context.Context) (*Rig, error) {
	if err := Usable(); err != nil {
		return nil, err
	}
	return openLab(ctx)
}

// OpenTown is Open for a town, whose server is the partner's host too. The town may be rebuilt: Camera and Viewer stay the
// hosts that they are.
func OpenTown(ctx context.Context, config natlab.TownConfig) (*Rig, error) {
	if err := Usable(); err != nil {
		return nil, err
	}
	r, err := empty()
	if err != nil {
		return nil, err
	}
	if r.Town, err = natlab.NewTown(ctx, config); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.onClose(r.Town.Close)
	r.Camera, r.Server, r.Viewer, r.Partner = r.Town.Device(), r.Town.Server(), r.Town.Viewer(), r.Town.Server()
	return r, nil
}

// empty makes a rig without a network.
func empty() (*Rig, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "sightline-rig-")
	if err != nil {
		return nil, err
	}
	r := &Rig{Log: NewLog(), root: root, scratch: scratch}
	r.onClose(func() error { return os.RemoveAll(scratch) })
	return r, nil
}

func openLab(ctx context.Context) (*Rig, error) {
	r, err := empty()
	if err != nil {
		return nil, err
	}
	r.Lab, err = natlab.New(ctx, "camera", "server", "viewer", "partner")
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.onClose(r.Lab.Close)
	r.Camera, r.Server, r.Viewer = r.Lab.Host("camera"), r.Lab.Host("server"), r.Lab.Host("viewer")
	r.Partner = r.Lab.Host("partner")
	return r, nil
}

// Close ends every program, the last started first, and removes the lab.
func (r *Rig) Close() error {
	r.mu.Lock()
	closers := r.closers
	r.closers = nil
	r.mu.Unlock()
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	return errors.Join(errs...)
}

// Browser starts Chromium on the viewer's host, with flags of the caller's if it has any.
func (r *Rig) Browser(ctx context.Context, flags ...string) (*browser.Browser, error) {
	return r.browser(ctx, browser.Config{Flags: flags})
}

// EverydayBrowser is Browser for pages that may be in the background.
func (r *Rig) EverydayBrowser(ctx context.Context) (*browser.Browser, error) {
	return r.browser(ctx, browser.Config{Everyday: true})
}

// PrivateBrowser is Browser for pages that hide their addresses behind names of multicast DNS, as they do for a person.
func (r *Rig) PrivateBrowser(ctx context.Context, flags ...string) (*browser.Browser, error) {
	return r.browser(ctx, browser.Config{MDNS: true, Flags: flags})
}

func (r *Rig) browser(ctx context.Context, config browser.Config) (*browser.Browser, error) {
	config.Host, config.Folder, config.Log = r.Viewer, browserFolder(r.root), r.Log.from("browser")
	b, err := browser.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	r.onClose(b.Close)
	return b, nil
}

// Usable says what this machine lacks to open a rig; nil means nothing.
func Usable() error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	for _, program := range []string{"sightline", "sightline-agent"} {
		if _, err := os.Stat(filepath.Join(root, "bin", program)); err != nil {
			return fmt.Errorf("a rig needs bin/%s: run `make build`", program)
		}
	}
	return errors.Join(natlab.Usable(), browser.Usable(browserFolder(root)))
}

func (r *Rig) onClose(f func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, f)
}

func (r *Rig) program(name string) string { return filepath.Join(r.root, "bin", name) }

func browserFolder(root string) string { return filepath.Join(root, "test", "browser") }

// findRoot returns the source tree that the working directory lies in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("a rig opens only inside the source tree")
		}
		dir = up
	}
}
