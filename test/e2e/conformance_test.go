//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// conformanceTable is where the results stand for readers.
const conformanceTable = "../../docs/turn-conformance.md"

// trial is one run of a tool of coturn's against our relay.
type trial struct {
	what    string
	command string // with SERVER4, SERVER6, PEER4 and PEER6 for addresses
	result  string // as the table has it
	want    string // a regular expression of what the tool says
	refused bool   // whether the tool ends with an error
}

const (
	allBack = "every message comes back"
	// stream is 20 messages of 500 bytes from one client to an echo (3480) and back.
	stream = " -m 1 -n 20 -l 500 -r 3480 -e "
	all20  = `tot_send_msgs=20, tot_recv_msgs=20\n.*\n.*\n.*Total lost packets 0 `
	all40  = `tot_send_msgs=40, tot_recv_msgs=40\n.*\n.*\n.*Total lost packets 0 `
	all80  = `tot_send_msgs=80, tot_recv_msgs=80\n.*\n.*\n.*Total lost packets 0 `
)

var trials = []trial{
	{"UDP, channels", "turnutils_uclient -c" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"UDP, channels, two allocations on neighbouring ports", "turnutils_uclient" + stream + "PEER4 SERVER4", allBack, all40, false},
	{"UDP, send indications", "turnutils_uclient -c -s" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TCP, channels", "turnutils_uclient -c -t" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TCP, send indications", "turnutils_uclient -c -t -s" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TLS on a port of its own, channels", "turnutils_uclient -c -t -S -p 5349" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TLS on a port of its own, send indications", "turnutils_uclient -c -t -S -s -p 5349" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TLS on the port of HTTPS, channels", "turnutils_uclient -c -t -S -p 443" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"TLS on the port of HTTPS, send indications", "turnutils_uclient -c -t -S -s -p 443" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"IPv6 client, IPv4 relay", "turnutils_uclient -c" + stream + "PEER4 SERVER6", allBack, all20, false},
	{"IPv6 client, IPv6 relay", "turnutils_uclient -c -x" + stream + "PEER6 SERVER6", allBack, all20, false},
	{"IPv6 client over TLS, IPv6 relay", "turnutils_uclient -c -x -t -S -p 5349" + stream + "PEER6 SERVER6", allBack, all20, false},
	{"IPv4 client, IPv6 relay", "turnutils_uclient -c -x" + stream + "PEER6 SERVER4", allBack, all20, false},
	{"IPv4 client, IPv4 relay by name", "turnutils_uclient -c -X" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"client to client, UDP", "turnutils_uclient -y -c -m 2 -n 20 -l 500 SERVER4", allBack, all40, false},
	{"client to client, neighbouring ports", "turnutils_uclient -y -m 2 -n 20 -l 500 SERVER4", allBack, all80, false},
	{"client to client, send indications", "turnutils_uclient -y -c -s -m 2 -n 20 -l 500 SERVER4", allBack, all40, false},
	{"client to client, TCP", "turnutils_uclient -y -c -t -m 2 -n 20 -l 500 SERVER4", allBack, all40, false},
	{"client to client, TLS", "turnutils_uclient -y -c -t -S -p 443 -m 2 -n 20 -l 500 SERVER4", allBack, all40, false},
	{"padded channels over TCP", "turnutils_uclient -c -t -D" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"extra permissions and bindings", "turnutils_uclient -c -G" + stream + "PEER4 SERVER4", allBack, all20, false},
	{"a disconnect in the middle", "turnutils_uclient -c -B" + stream + "PEER4 SERVER4", allBack, all20, false},
	{
		"negative protocol tests: bytes changed at random", "turnutils_uclient -c -R" + stream + "PEER4 SERVER4",
		"messages come back, but for those that were spoiled", `tot_send_msgs=20, tot_recv_msgs=(1\d|20)\n`, false,
	},
	{
		"negative test: a second channel of one peer", "turnutils_uclient -c -N" + stream + "PEER4 SERVER4",
		"refused with 400, as coturn does; the tool ends", "channel bind: error 400 ", true,
	},
	{"negative test with send indications", "turnutils_uclient -c -s -N" + stream + "PEER4 SERVER4", allBack, all20, false},
	{
		"DONT-FRAGMENT", "turnutils_uclient -c -g" + stream + "PEER4 SERVER4",
		"refused with 420 (RFC 8656 section 7.2): not served", "error 420 ", true,
	},
	{
		"a relay over TCP (RFC 6062)", "turnutils_uclient -T -n 5 SERVER4",
		"refused with 442 (RFC 8656 section 7.2): not served", "error 442 ", true,
	},
	{"Binding", "turnutils_stunclient SERVER4", "three answers from three addresses", `(?s)response 1\n.*response 2\n.*response 3\n`, false},
	{"Binding over IPv6", "turnutils_stunclient SERVER6", "answered", "UDP reflexive addr: fd77:", false},
	{"mapping of a NAT", "turnutils_natdiscovery -m SERVER4", "found", `NAT with Endpoint Independent Mapping|No NAT`, false},
	{"filtering of a NAT", "turnutils_natdiscovery -f SERVER4", "found", `NAT with Endpoint Independent Filtering`, false},
	{"filtering of a NAT, packets of 1500 bytes", "turnutils_natdiscovery -f -P SERVER4", "found", `NAT with Endpoint Independent Filtering`, false},
	{"hairpins of a NAT", "turnutils_natdiscovery -H -L CLIENT4 SERVER4", "found", `hairpinning`, false},
	{"life of a mapping", "turnutils_natdiscovery -t -T 1 -L CLIENT4 SERVER4", "found", `(?s)response 1\n.*response 2\n`, false},
}

func TestCoturnsToolsPass(t *testing.T) {
	s := bare(t)
	must(t, s.Lab.AddIPv6(t.Context()))
	must(t, s.Server.Add(t.Context(), s.Server.Addr.Next()))
	certificate := need(s.Certificate())(t)
	s.hub = need(s.Hub(t.Context(), slices.Concat(certificate.Flags(), []string{
		"--listen", s.Server.Addr.String() + ":443", "--turn-listen", ":3478", "--turn-alt-port", "3479",
		"--turn-on-listen", "--turn-tls-listen", ":5349", "--allow-peers", "fd77::/16",
	})...))(t)
	for _, addr := range []netip.Addr{s.Camera.Addr, s.Camera.Addr6()} {
		echo := s.Camera.Command(context.WithoutCancel(t.Context()), "turnutils_peer", "-L", addr.String(), "-p", "3480")
		must(t, echo.Start())
		t.Cleanup(func() {
			_ = echo.Process.Kill()
			_ = echo.Wait()
		})
	}
	eventually(t, "both echoes", func() (int, error) {
		bound, err := s.Camera.Command(t.Context(), "ss", "-Hlun", "sport = :3480").Output()
		return strings.Count(string(bound), "\n"), err
	}, func(n int) bool { return n == 2 })
	addresses := strings.NewReplacer(
		"SERVER4", s.Server.Addr.String(), "SERVER6", s.Server.Addr6().String(),
		"PEER4", s.Camera.Addr.String(), "PEER6", s.Camera.Addr6().String(), "CLIENT4", s.Viewer.Addr.String(),
	)
	t.Run("all", func(t *testing.T) { // returns when its parallel tests have ended
		for _, trial := range trials {
			t.Run(trial.what, func(t *testing.T) {
				t.Parallel()
				s.try(t, trial, strings.Fields(addresses.Replace(trial.command)))
			})
		}
	})
}

func (s *stage) try(t *testing.T, trial trial, command []string) {
	t.Helper()
	for range trial.attempts() - 1 {
		if _, err := s.attempt(t, trial, command); err == nil {
			return
		}
	}
	if out, err := s.attempt(t, trial, command); err != nil {
		t.Errorf("%s: %v\n%s", trial.command, err, out)
	}
}

// attempts is how often a trial may be made. The tool gives up when what it has spoiled was its own request.
func (trial trial) attempts() int {
	if strings.Contains(trial.command, " -R ") {
		return 6
	}
	return 1
}

func (s *stage) attempt(t *testing.T, trial trial, command []string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	args := command[1:]
	if command[0] == "turnutils_uclient" {
		c := need(s.hub.Credentials(ctx))(t)
		args = append([]string{"-u", c.Username, "-w", c.Password}, args...)
	}
	out, err := s.Viewer.Command(ctx, command[0], args...).CombinedOutput()
	if (err != nil) != trial.refused || !regexp.MustCompile(trial.want).Match(out) {
		return out, fmt.Errorf("ended with %v, want %q", err, trial.want) //nolint:errorlint // it may be nil
	}
	return out, nil
}

func TestConformanceTableIsThatOfTheTest(t *testing.T) {
	text := string(need(os.ReadFile(conformanceTable))(t))
	var got []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "turnutils_") && strings.HasPrefix(line, "|") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	var want []string
	for _, trial := range trials {
		want = append(want, "| "+trial.what+" | `"+trial.command+"` | "+trial.result+" |")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", conformanceTable, diff)
	}
}
