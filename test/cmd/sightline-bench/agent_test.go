//go:build linux

package main

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWhatViewersCostIsMeasuredBesideAPeer(t *testing.T) {
	agent := builtAgent(t)
	peer := httptest.NewServer(whepOf(t))
	defer peer.Close()
	var out, log strings.Builder
	if err := dispatch(t.Context(), []string{
		"agent", "--viewers", "2,1", "--source", "test:", "--rounds", "1", "--seconds", "1", "--json", "--program", program, "--agent", agent,
		"--peer-whep", peer.URL + "/play", "--peer-pid", strconv.Itoa(os.Getpid()),
	}, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	decoder := json.NewDecoder(strings.NewReader(out.String()))
	decoder.DisallowUnknownFields()
	var report agentReport
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	if report.Source != "test:" || report.IdleRSSMB < 1 || report.BinaryMB < 1 || len(report.Rows) != 2 {
		t.Fatalf("this report cannot be: %s", &out)
	}
	for i, row := range report.Rows {
		if row.Viewers != i+1 || row.Peer == nil || row.Ratio <= 0 {
			t.Fatalf("row %d cannot be: %s", i, &out)
		}
		for _, c := range []agentCost{row.Agent, *row.Peer} {
			if c.CPUUSPerPacket <= 0 || c.CPUPctPerViewer <= 0 || c.PacketsPerS <= 0 || c.FramesPerS <= 0 {
				t.Errorf("row %d cannot be: %+v", i, c)
			}
		}
	}
}

func TestTheReportOfAnAgentKeepsItsForm(t *testing.T) {
	points := func(cpu time.Duration) []agentPoint {
		return []agentPoint{{viewers: 2, cpu: cpu, took: time.Second, totals: totals{Packets: 1000, Frames: 60}, rss: 14e6}}
	}
	cost := costOf(points(20*time.Millisecond), 10e6)
	peer := costOf(points(40*time.Millisecond), 10e6)
	report := agentReport{Source: "test:", IdleRSSMB: 10, BinaryMB: 13, Rows: []agentRow{
		{Viewers: 2, Agent: cost, Peer: &peer, Ratio: ratioOf(points(20*time.Millisecond), points(40*time.Millisecond))},
	}}
	got, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"source":"test:","idle_rss_mb":10,"binary_mb":13,"rows":[{"viewers":2,` +
		`"agent":{"cpu_us_per_packet":20,"cpu_pct_per_viewer":1,"rss_mb_per_viewer":2,"packets_per_s":500,"frames_per_s":30},` +
		`"peer":{"cpu_us_per_packet":40,"cpu_pct_per_viewer":2,"rss_mb_per_viewer":2,"packets_per_s":500,"frames_per_s":30},"ratio":0.5}]}`
	if string(got) != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	var table strings.Builder
	if err := report.table(&table); err != nil {
		t.Fatal(err)
	}
	if want := "| 2 | 20.0 µs | 40.0 µs | 0.50 |"; !strings.Contains(table.String(), want) {
		t.Errorf("got the table\n%s, want one with %q", &table, want)
	}
	report.Rows[0].Peer = nil
	table.Reset()
	if err := report.table(&table); err != nil || !strings.Contains(table.String(), "| 2 | 20.0 µs |  |  | 1.00 % |  |") {
		t.Errorf("got the table\n%s and %v, want one without a peer", &table, err)
	}
}

func TestAMeasurementOfAnAgentThatCannotBeIsRefused(t *testing.T) {
	for want, flags := range map[string][]string{
		"--viewers is a list": {"--viewers", "1,x"},
		"--rounds is":         {"--rounds", "0"},
		"--seconds is":        {"--seconds", "0"},
		"needs --peer-whep":   {"--peer", "false"},
		"either --peer or":    {"--peer-whep", "http://127.0.0.1:1"},
		"no such file":        {"--agent", t.TempDir() + "/none", "--source", "test:"},
		"start server":        {"--agent", os.Args[0], "--program", t.TempDir() + "/none", "--source", "test:"},
		"the peer has ended":  {"--source", "test:", "--program", program, "--agent", builtAgent(t), "--peer", "false", "--peer-whep", "http://127.0.0.1:1/"},
	} {
		if err := dispatch(t.Context(), append([]string{"agent"}, flags...), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want an error with %q", flags, err, want)
		}
	}
}
