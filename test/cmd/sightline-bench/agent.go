//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// agentReport is what `agent --json` prints.
type agentReport struct {
	Source string `json:"source"`
	// IdleRSSMB is the agent's resident memory with nobody looking, before anybody has; BinaryMB its program's size.
	IdleRSSMB float64    `json:"idle_rss_mb"`
	BinaryMB  float64    `json:"binary_mb"`
	Rows      []agentRow `json:"rows"`
}

// agentRow is the measurement with one number of viewers.
type agentRow struct {
	Viewers int        `json:"viewers"`
	Agent   agentCost  `json:"agent"`
	Peer    *agentCost `json:"peer,omitempty"`
	// Ratio is the agent's CPU time a packet by the peer's, the median over the rounds; 0 without a peer.
	Ratio float64 `json:"ratio,omitempty"`
}

// agentCost is what one program spends on its viewers.
type agentCost struct {
	// CPUUSPerPacket is user and system time by the RTP packets that the viewers got; CPUPctPerViewer is in percent of one
	// CPU. Both are medians over the rounds.
	CPUUSPerPacket  float64 `json:"cpu_us_per_packet"`
	CPUPctPerViewer float64 `json:"cpu_pct_per_viewer"`
	// RSSMBPerViewer is the growth of the resident memory over that of the program before it had viewers, in the first
	// round, by the viewers.
	RSSMBPerViewer float64 `json:"rss_mb_per_viewer"`
	// PacketsPerS are what one viewer got in a second, FramesPerS what it could show of them.
	PacketsPerS float64 `json:"packets_per_s"`
	FramesPerS  float64 `json:"frames_per_s"`
}

// agentOrder is what the flags of agent ask for.
type agentOrder struct {
	viewers  []int
	source   string
	peer     peerOrder
	rounds   int
	length   time.Duration
	programs struct{ server, agent string }
	json     bool
}

// peerOrder is the other program; none if whep is empty.
type peerOrder struct {
	command string
	whep    string
	pid     int
}

const agentHelp = `usage: sightline-bench agent [flags]

Starts a server and an agent, has headless viewers in a process of their own look at its camera over loopback, and
says what that costs the agent: CPU time, user and system, by packet that the viewers got and by viewer, and resident
memory by viewer. With a peer the same viewers play the peer's WHEP endpoint, in turn with the agent and in rounds.

--source is the agent's, such as test: or rtsp://HOST/PATH; "camera" starts GStreamer's RTSP server (720p, 30 frames/s, a
keyframe every 2 s, x264) and has both read it: {source} in --peer stands for its URL.

`

// agent measures what viewers cost the agent, and a peer.
func agent(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parseAgent(args, log)
	if err != nil {
		return err
	}
	report, err := o.measure(ctx, &sharedLog{out: log})
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	return report.table(out)
}

func parseAgent(args []string, log io.Writer) (o agentOrder, err error) {
	flags := flagsOf("agent", agentHelp, log)
	viewers := flags.String("viewers", "1,10,50", "`N,N` numbers of viewers, each measured in each round")
	flags.StringVar(&o.source, "source", cameraSource, "`SOURCE` of the agent")
	flags.StringVar(&o.peer.command, "peer", "", "`CMD` that starts the peer; it is ended afterwards")
	flags.StringVar(&o.peer.whep, "peer-whep", "", "`URL` of the peer's WHEP endpoint")
	flags.IntVar(&o.peer.pid, "peer-pid", 0, "`PID` of a peer that runs already, instead of --peer")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds, of which the median is told")
	seconds := flags.Float64("seconds", 5, "how long each measurement takes")
	flags.StringVar(&o.programs.server, "program", "", "`file` of the server's program (default: sightline beside this one)")
	flags.StringVar(&o.programs.agent, "agent", "", "`file` of the agent's program (default: sightline-agent beside this one)")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(*seconds * float64(time.Second))
	o.viewers, err = numbers(*viewers)
	return o, errors.Join(err, o.check())
}

// numbers reads a list of numbers of viewers, and sorts it.
func numbers(list string) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > maxAudience {
			return nil, fmt.Errorf("--viewers is a list of 1 to %d, such as 1,10,50", maxAudience)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (o *agentOrder) check() error {
	switch {
	case o.rounds < 1 || o.rounds > 100:
		return errors.New("--rounds is 1 to 100")
	case o.length < time.Second/2 || o.length > time.Hour:
		return errors.New("--seconds is 0.5 to 3600")
	case o.peer.whep == "" && (o.peer.command != "" || o.peer.pid != 0):
		return errors.New("a peer needs --peer-whep, where viewers play it")
	case o.peer.whep != "" && (o.peer.command == "") == (o.peer.pid == 0):
		return errors.New("--peer-whep needs either --peer or --peer-pid")
	}
	return nil
}

func (r agentReport) table(out io.Writer) error {
	fmt.Fprintf(out, "source %s; idle agent %.1f MB resident (goal <= 25), program %.1f MB (goal <= 16)\n\n", r.Source, r.IdleRSSMB, r.BinaryMB)
	fmt.Fprint(out, "| viewers | CPU a packet, agent | peer | ratio | CPU a viewer, agent | peer | memory a viewer, agent | peer | frames/s, agent | peer |\n")
	fmt.Fprint(out, "|"+strings.Repeat(" --- |", 10)+"\n")
	for _, row := range r.Rows {
		peer, ratio := func(string, func(*agentCost) float64) string { return "" }, ""
		if row.Peer != nil {
			peer = func(format string, of func(*agentCost) float64) string { return fmt.Sprintf(format, of(row.Peer)) }
			ratio = fmt.Sprintf("%.2f", row.Ratio)
		}
		a := row.Agent
		fmt.Fprintf(out, "| %d | %.1f µs | %s | %s | %.2f %% | %s | %.2f MB | %s | %.1f | %s |\n", row.Viewers,
			a.CPUUSPerPacket, peer("%.1f µs", func(c *agentCost) float64 { return c.CPUUSPerPacket }), ratio,
			a.CPUPctPerViewer, peer("%.2f %%", func(c *agentCost) float64 { return c.CPUPctPerViewer }),
			a.RSSMBPerViewer, peer("%.2f MB", func(c *agentCost) float64 { return c.RSSMBPerViewer }),
			a.FramesPerS, peer("%.1f", func(c *agentCost) float64 { return c.FramesPerS }))
	}
	return nil
}
