//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// goalBytes is what an idle link may cost the hub without TLS: Go heap and stack.
const goalBytes = 8 << 10

// linksReport is what `links --json` prints.
type linksReport struct {
	// Links are those that were open when the memory was read.
	Links int `json:"links"`
	// BytesPerLink is the growth of the server's live heap and stacks, a link. RSSMB is all of the process.
	BytesPerLink float64 `json:"bytes_per_link"`
	RSSMB        float64 `json:"rss_mb"`
	ConnectsPerS float64 `json:"connects_per_s"`
	// Errors are links that could not be opened or did not last.
	Errors int `json:"errors"`
}

// linksOrder is what the flags of links ask for.
type linksOrder struct {
	target
	count   int
	rate    float64
	role    protocol.Role
	memory  bool
	profile string
	timeout time.Duration
	json    bool
}

const linksHelp = `usage: sightline-bench links [flags]

Opens idle links and says what one costs the server. bytes_per_link is the growth of the server's live Go heap (right
after a garbage collection) and of its stacks in use, from its own /metrics, divided by the links; rss_mb is the whole
process. Sockets are real, from 8 addresses of 127.0.0.0/8, and answer pings. A device has a record and a key of its
own; 8 viewers share a device.

--memory runs hub, store and relay in this process behind a listener in memory, without sockets and their limit. The
client's end of a link has no goroutine and no buffer there: what is measured is the hub's, with 200 bytes or so for
the connection, as a TCP connection has.

`

// links opens idle links and measures the memory that they take.
func links(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parseLinks(args, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errors.New("the measurement takes longer than --timeout"))
	defer cancel()
	measure := o.sockets
	if o.memory {
		measure = o.inMemory
	}
	report, err := measure(ctx, log)
	if err != nil {
		return because(ctx, err)
	}
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	return report.table(out)
}

// because returns why the context has ended, if it has: an error that comes of it says less.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func parseLinks(args []string, log io.Writer) (o linksOrder, err error) {
	flags := flagsOf("links", linksHelp, log)
	o.flags(flags)
	flags.IntVar(&o.count, "count", 1000, "links to open")
	flags.Float64Var(&o.rate, "rate", 0, "links to open in a second; 0: as fast as it goes")
	flags.BoolVar(&o.memory, "memory", false, "measure in this process, without sockets: for 50000 links and more")
	flags.StringVar(&o.profile, "profile", "", "with --memory: write the heap profile with all links open to this `FILE`")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "give up after this time")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	devices := flags.Bool("devices", false, "links of devices (the default)")
	viewers := flags.Bool("viewers", false, "links of viewers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.role = protocol.RoleDevice; *viewers {
		o.role = protocol.RoleViewer
	}
	switch {
	case *devices && *viewers:
		return o, errors.New("--devices and --viewers exclude each other")
	case o.count < 1 || o.count > 1_000_000:
		return o, errors.New("--count is 1 to 1000000")
	case o.rate < 0:
		return o, errors.New("--rate is not negative")
	case o.memory && o.url != "":
		return o, errors.New("--memory measures no other process: leave --url out")
	case o.profile != "" && !o.memory:
		return o, errors.New("--profile needs --memory")
	}
	return o, nil
}

// flags are those that say which server is measured.
func (t *target) flags(flags *flag.FlagSet) {
	flags.StringVar(&t.url, "url", "", "measure the server at this `URL` of 127.0.0.1 instead of a child process")
	flags.StringVar(&t.data, "data", "", "with --url: the server's data `directory`, where devices are enrolled")
	flags.StringVar(&t.metrics, "metrics", "http://127.0.0.1:9464/metrics", "with --url: `URL` of the server's metrics")
	flags.StringVar(&t.program, "program", "", "`file` of the server's program (default: sightline beside this one)")
}

// spareFiles are the files that each of the two processes needs for itself.
const spareFiles = 200

// checkFiles says early that links will not fit. The Go runtime has raised the soft limit to the hard one already, here
// and in the server.
func checkFiles(links int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if uint64(links)+spareFiles > limit.Cur { //nolint:gosec // a count of links is small and positive
		return fmt.Errorf("%d links do not fit: a process may have %d files open; use --memory, or raise the hard limit",
			links, limit.Cur)
	}
	return nil
}

func (o linksOrder) sockets(ctx context.Context, log io.Writer) (report linksReport, err error) {
	if err := checkFiles(o.count); err != nil {
		return report, err
	}
	s, err := o.open(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Fprintf(log, "enrolling %d devices\n", rosterSize(o.role, o.count))
	r, err := s.enrol(ctx, rosterSize(o.role, o.count))
	if err != nil {
		return report, err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return report, err
	}
	ctx, hangUp := context.WithCancel(ctx)
	c := &crowd{log: log, dial: overSockets(s, r, o.role)}
	defer c.work.Wait()
	defer hangUp()
	fmt.Fprintf(log, "opening %d links\n", o.count)
	took, err := c.fill(ctx, o.count, o.rate)
	if err != nil {
		return report, err
	}
	fmt.Fprintf(log, "open after %v; waiting for the server to collect its garbage\n", took.Round(time.Millisecond))
	after, err := s.settled(ctx)
	if err != nil {
		return report, err
	}
	return c.report(before, after, took)
}

// report makes the figures of a crowd whose links are open.
func (c *crowd) report(before, after footprint, took time.Duration) (linksReport, error) {
	open := c.open.Load()
	if open == 0 {
		return linksReport{}, errors.New("no link could be opened")
	}
	return linksReport{
		Links:        int(open),
		BytesPerLink: math.Round((after.live - before.live) / float64(open)),
		RSSMB:        math.Round(after.resident/(1<<20)*10) / 10,
		ConnectsPerS: math.Round(float64(open) / took.Seconds()),
		Errors:       int(c.errors.Load()),
	}, nil
}

func (r linksReport) table(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "idle links\tbytes a link\tgoal\tRSS\tconnects/s\terrors\n")
	fmt.Fprintf(t, "%d\t%.0f\t<= %d\t%.1f MB\t%.0f\t%d\n", r.Links, r.BytesPerLink, goalBytes, r.RSSMB, r.ConnectsPerS, r.Errors)
	return t.Flush()
}
