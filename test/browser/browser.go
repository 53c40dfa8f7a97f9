//go:build linux

// Package browser drives a real Chromium on a host of a lab, for tests and measurements of the pages.
//
// The work is done by driver.mjs in this folder, which runs on Node; this package starts it and speaks with it. It
// knows the element's public face only (docs/architecture.md), not how the pages are made.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// maxAnswer bounds one line of the driver: far more than the text of a page.
const maxAnswer = 1 << 20

// Browser is a running Chromium. It is safe for concurrent use.
type Browser struct {
	cmd     *exec.Cmd
	folder  string // of this package
	scratch string
	readers sync.WaitGroup

	close sync.Once
	err   error // of close

	mu      sync.Mutex // guards what follows, and writes to stdin
	stdin   io.WriteCloser
	last    int
	waiting map[int]chan answer
	gone    error // set when the driver has ended
}

type answer struct {
	ID    int             `json:"id"`
	Ready bool            `json:"ready"`
	OK    json.RawMessage `json:"ok"`
	Error string          `json:"error"`
}

// Config says where a browser runs.
type Config struct {
	Host *natlab.Host
	// Folder is this package's folder in the source tree, where driver.mjs and its modules are.
	Folder string
	// Everyday makes pages tabs of one window, which are hidden and throttled behind another as they are for a person.
	// Without it every page is always in front.
	Everyday bool
	// MDNS makes pages hide their addresses behind names of multicast DNS, as they do for a person.
	MDNS bool
	// Flags are more flags for Chromium.
	Flags []string
	// Log gets what pages say on their consoles; nil means nowhere.
	Log io.Writer
}

// Start launches Chromium. The caller closes it.
func Start(ctx context.Context, config Config) (*Browser, error) {
	scratch, err := os.MkdirTemp("", "sightline-browser-")
	if err != nil {
		return nil, err
	}
	b := &Browser{folder: config.Folder, scratch: scratch, waiting: make(map[int]chan answer)}
	if err := b.launch(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("start the browser: %w", err), os.RemoveAll(scratch))
	}
	return b, nil
}

func (b *Browser) launch(ctx context.Context, config Config) error {
	args := []string{filepath.Join(config.Folder, "driver.mjs")}
	if config.Everyday {
		args = append(args, "--everyday")
	}
	if config.MDNS {
		args = append(args, "--mdns")
	}
	flags, err := json.Marshal(append([]string{}, config.Flags...))
	if err != nil {
		return err
	}
	b.cmd = config.Host.Command(context.WithoutCancel(ctx), "node", args...)
	b.cmd.Env = append(os.Environ(), "TMPDIR="+b.scratch, "HOME="+b.scratch, "CHROMIUM_FLAGS="+string(flags))
	b.cmd.Stderr = config.Log
	stdin, err := b.cmd.StdinPipe()
	if err != nil {
		return err
	}
	b.stdin = stdin
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	ready := make(chan answer, 1)
	b.waiting[0] = ready
	b.readers.Go(func() { b.read(stdout) })
	if _, err := b.await(ctx, ready); err != nil {
		return errors.Join(err, b.stop())
	}
	return nil
}

// Close ends Chromium and removes what it wrote. Closing twice is harmless.
func (b *Browser) Close() error {
	b.close.Do(func() { b.err = errors.Join(b.stop(), os.RemoveAll(b.scratch)) })
	return b.err
}

func (b *Browser) stop() error {
	b.mu.Lock()
	err := b.stdin.Close()
	b.mu.Unlock()
	kill := time.AfterFunc(10*time.Second, func() { _ = b.cmd.Process.Kill() })
	defer kill.Stop()
	b.readers.Wait()
	return errors.Join(err, b.cmd.Wait())
}

func (b *Browser) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			continue // not the driver's: Node's own words
		}
		b.mu.Lock()
		reply, ok := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if ok {
			reply <- a
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = errors.Join(errors.New("the browser's driver has ended"), lines.Err())
	for _, reply := range b.waiting {
		reply <- answer{Error: b.gone.Error()}
	}
	clear(b.waiting)
}

// ask sends one command and decodes its answer into result, unless that is nil.
func (b *Browser) ask(ctx context.Context, command map[string]any, result any) error {
	reply, err := b.send(command)
	if err != nil {
		return err
	}
	ok, err := b.await(ctx, reply)
	if err != nil {
		return fmt.Errorf("%v page %v: %w", command["do"], command["page"], err)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(ok, result)
}

func (b *Browser) send(command map[string]any) (<-chan answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != nil {
		return nil, b.gone
	}
	b.last++
	command["id"] = b.last
	line, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	reply := make(chan answer, 1)
	b.waiting[b.last] = reply
	_, err = b.stdin.Write(append(line, '\n'))
	return reply, err
}

func (b *Browser) await(ctx context.Context, reply <-chan answer) (json.RawMessage, error) {
	select {
	case a := <-reply:
		if a.Error != "" {
			return nil, errors.New(a.Error)
		}
		return a.OK, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Usable says what this machine lacks to drive a browser from a folder; nil means nothing.
func Usable(folder string) error {
	for _, program := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("driving a browser needs the program %s", program)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "playwright-core")); err != nil {
		return fmt.Errorf("driving a browser needs `npm ci` in %s", folder)
	}
	return nil
}
