package config

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func parse(t *testing.T, args ...string) (*CLI, string, error) {
	t.Helper()
	cli, command, done, err := Parse(args, "v1.2.3", io.Discard, io.Discard)
	if done {
		t.Fatalf("%v: only printed something", args)
	}
	return cli, command, err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sightline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setting is one of serve: what is written, in a file where that differs, and what comes of it.
type setting struct {
	flag, text, yaml string
	field            func(*Serve) any
	want             any
}

var settings = []setting{
	{"data", "/var/lib/x", "", func(s *Serve) any { return s.Data.Data }, "/var/lib/x"},
	{"database", "postgres://me:x@h/d", "", func(s *Serve) any { return s.Database.Reveal() }, "postgres://me:x@h/d"},
	{"sync", "full", "", func(s *Serve) any { return s.Sync }, "full"},
	{"listen", "127.0.0.1:1", "", func(s *Serve) any { return s.Listen }, "127.0.0.1:1"},
	{"turn-listen", "[::1]:2", `"[::1]:2"`, func(s *Serve) any { return s.TurnListen }, "[::1]:2"},
	{"turn-tls-listen", ":5349", "':5349'", func(s *Serve) any { return s.TurnTLSListen }, ":5349"},
	{"turn-alt-port", "3479", "", func(s *Serve) any { return s.TurnAltPort }, uint16(3479)},
	{"turn-on-listen", "true", "", func(s *Serve) any { return s.TurnOnListen }, true},
	{"url", "https://c.example.org/base/", "", func(s *Serve) any { return s.URL }, "https://c.example.org/base"},
	{
		"public-ip", "192.0.2.1,2001:db8::1", "[192.0.2.1, '2001:db8::1']",
		func(s *Serve) any { return text(s.PublicIP) }, "192.0.2.1 2001:db8::1",
	},
	{"relay-ports", "2000-3000", "", func(s *Serve) any { return s.RelayPorts }, PortRange{2000, 3000}},
	{
		"allow-peers", "10.0.0.0/8,192.0.2.7", "[10.0.0.0/8, 192.0.2.7]",
		func(s *Serve) any { return text(s.AllowPeers) }, "10.0.0.0/8 192.0.2.7/32",
	},
	{"relay-price-per-gb", "0.05", "", func(s *Serve) any { return s.RelayPrice }, 0.05},
	{"relay-currency", "EUR", "", func(s *Serve) any { return s.RelayCurrency }, "EUR"},
	{"points-per-mb", "1.5", "", func(s *Serve) any { return s.PointsPerMB }, 1.5},
	{"points-per-minute", "0.25", "", func(s *Serve) any { return s.PointsPerMin }, 0.25},
	{"low-budget-kbps", "300", "", func(s *Serve) any { return s.LowBudgetKbps }, 300},
	{"relay-max-kbps", "4000", "", func(s *Serve) any { return s.RelayMaxKbps }, 4000},
	{"relay-drain", "90s", "", func(s *Serve) any { return s.RelayDrain }, 90 * time.Second},
	{
		"stun-url", "stun:a.example:3478,stun:[2001:db8::1]", "['stun:a.example:3478', 'stun:[2001:db8::1]']",
		func(s *Serve) any { return strings.Join(s.STUNURL, " ") }, "stun:a.example:3478 stun:[2001:db8::1]",
	},
	{"ipv6-fill-in", "false", "", func(s *Serve) any { return s.IPv6FillIn }, false},
	{"path", "relay_only", "", func(s *Serve) any { return s.Path }, "relay_only"},
	{"relay-delay", "0s", "", func(s *Serve) any { return s.RelayDelay }, time.Duration(0)},
	{"max-relay-time", "10m", "", func(s *Serve) any { return s.MaxRelayTime }, 10 * time.Minute},
	{"relay-hd", "true", "", func(s *Serve) any { return s.RelayHD }, true},
	{"relay-peers", "observe", "", func(s *Serve) any { return s.RelayPeers }, "observe"},
	{"webhook-loopback", "true", "", func(s *Serve) any { return s.WebhookLocal }, true},
	{
		"origins", "https://a.example,*", "['https://a.example', '*']",
		func(s *Serve) any { return strings.Join(s.Origins, " ") }, "https://a.example *",
	},
	{"trusted-proxies", "::1/128", "['::1/128']", func(s *Serve) any { return text(s.TrustedProxies) }, "::1/128"},
	{"tls-cert", "c.pem", "", func(s *Serve) any { return s.TLSCert }, "c.pem"},
	{"tls-key", "k.pem", "", func(s *Serve) any { return s.TLSKey }, "k.pem"},
	{"accept-rate", "250.5", "", func(s *Serve) any { return s.AcceptRate }, 250.5},
	{"address-rate", "2.5", "", func(s *Serve) any { return s.AddressRate }, 2.5},
	{"queue-memory", "64MiB", "", func(s *Serve) any { return s.QueueMemory }, Bytes(64 << 20)},
	{"api-key-rate", "5", "", func(s *Serve) any { return s.APIKeyRate }, 5.0},
	{"api-project-rate", "7.5", "", func(s *Serve) any { return s.APIProjectRate }, 7.5},
	{"project-rate", "30", "", func(s *Serve) any { return s.ProjectRate }, 30.0},
	{"drain-deadline", "90s", "", func(s *Serve) any { return s.DrainDeadline }, 90 * time.Second},
	{"metrics-listen", "off", "'off'", func(s *Serve) any { return s.MetricsListen }, "off"},
}

func text[T interface{ String() string }](list []T) string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.String()
	}
	return strings.Join(all, " ")
}

var equalSecrets = cmp.Comparer(func(a, b auth.Secret) bool { return a.Reveal() == b.Reveal() })

// companions are what a setting does not go without.
var companions = map[string][]string{
	"tls-cert": {"tls-key"}, "tls-key": {"tls-cert"}, "turn-tls-listen": {"tls-cert", "tls-key"},
}

func TestEverySettingIsTakenFromFlagEnvironmentAndFile(t *testing.T) {
	if got, want := len(settings), reflect.TypeFor[Serve]().NumField()+reflect.TypeFor[Data]().NumField()-1; got != want {
		t.Errorf("the table has %d settings, serve has %d", got, want)
	}
	for _, s := range settings {
		yaml := s.yaml
		if yaml == "" {
			yaml = s.text
		}
		file := "serve:\n  " + s.flag + ": " + yaml + "\n"
		args := []string{"--" + s.flag + "=" + s.text}
		for _, other := range companions[s.flag] {
			file += "  " + other + ": x\n"
			args = append(args, "--"+other+"=x")
		}
		for _, command := range []string{"serve", "check"} {
			t.Run(command+" "+s.flag+" by flag", func(t *testing.T) { s.check(t, command, args...) })
			t.Run(command+" "+s.flag+" by environment", func(t *testing.T) {
				for _, arg := range args {
					flag, value, _ := strings.Cut(arg[len("--"):], "=")
					t.Setenv("SIGHTLINE_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), value)
				}
				s.check(t, command)
			})
			t.Run(command+" "+s.flag+" by file", func(t *testing.T) { s.check(t, command, "--config", write(t, file)) })
		}
	}
}

func (s setting) check(t *testing.T, command string, args ...string) {
	t.Helper()
	cli, got, err := parse(t, append([]string{command}, args...)...)
	if err != nil || got != command {
		t.Fatalf("got command %q and %v", got, err)
	}
	of := &cli.Serve
	if command == "check" {
		of = &cli.Check.Serve
	}
	if diff := cmp.Diff(s.want, s.field(of)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFlagsOutweighTheEnvironmentAndThatTheFile(t *testing.T) {
	file := write(t, "serve: {listen: '127.0.0.1:3', turn-listen: '127.0.0.1:3', data: three}")
	t.Setenv("SIGHTLINE_LISTEN", "127.0.0.1:2")
	t.Setenv("SIGHTLINE_TURN_LISTEN", "127.0.0.1:2")
	cli, _, err := parse(t, "serve", "--listen", "127.0.0.1:1", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cli.Serve.Listen, cli.Serve.TurnListen, cli.Serve.Data.Data}
	if diff := cmp.Diff([]string{"127.0.0.1:1", "127.0.0.1:2", "three"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaultsAreGoodForAFirstTry(t *testing.T) {
	cli, command, err := parse(t, "serve")
	if err != nil || command != "serve" {
		t.Fatal(command, err)
	}
	want := Serve{
		Data: Data{Data: "sightline-data"}, Sync: "normal", Listen: ":8080", TurnListen: ":3478", AcceptRate: 500, AddressRate: 20, QueueMemory: 256 << 20, DrainDeadline: time.Minute,
		APIKeyRate: 100, APIProjectRate: 400,
		RelayPeers: "enforce", IPv6FillIn: true, Path: "prefer_direct", RelayDelay: 700 * time.Millisecond, RelayCurrency: "USD", PointsPerMB: 1, LowBudgetKbps: 500,
	}
	if diff := cmp.Diff(want, cli.Serve, equalSecrets, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCommandsTakeTheirFlags(t *testing.T) {
	cli, command, err := parse(t, "token", "create", "--data", "d", "--device", "cam", "--grants", "view,talk", "--ttl", "90m", "--json",
		"--path", "relay_only", "--relay-delay", "0s", "--max-relay-time", "5m", "--max-kbps", "900")
	if err != nil || command != "token create" {
		t.Fatal(command, err)
	}
	want := TokenCreate{
		Data: Data{Data: "d"}, Device: "cam", Subject: "viewer", Grants: []string{"view", "talk"}, TTL: 90 * time.Minute, JSON: true,
		Path: "relay_only", RelayDelay: new(time.Duration), MaxRelayTime: 5 * time.Minute, MaxKbps: 900,
	}
	if diff := cmp.Diff(want, cli.Token.Create, equalSecrets); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	terms := record.Terms{Path: protocol.PathRelayOnly, RelayDelay: record.DelayOf(0), MaxRelay: 5 * time.Minute, MaxKbps: 900}
	if got := cli.Token.Create.Terms(); got != terms {
		t.Errorf("got the terms %+v, want %+v", got, terms)
	}
	for _, words := range []string{"key create", "enroll create --name x", "turn credentials --count 3", "turn rotate", "project create --project x", "project set --relay-gb 0.5", "project points add --points=-5", "project list"} {
		if _, _, err := parse(t, strings.Fields(words)...); err != nil {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestAProjectsTermsAreSetOrLeftToTheServer(t *testing.T) {
	path, none, hd := protocol.PathDirectOnly, protocol.PathPolicy(""), record.Yes
	for _, test := range []struct {
		words string
		path  *protocol.PathPolicy
		delay *Delay
		hd    *record.Answer
	}{
		{"project set", nil, nil, nil},
		{"project set --path direct_only --relay-delay 0s --relay-hd yes", &path, &Delay{Given: true}, &hd},
		{"project set --path server --relay-delay server --relay-hd server", &none, &Delay{}, new(record.Answer)},
	} {
		cli, _, err := parse(t, strings.Fields(test.words)...)
		if err != nil {
			t.Fatal(err)
		}
		set := cli.Project.Set
		if diff := cmp.Diff(test.path, set.PathPolicy()) + cmp.Diff(test.delay, set.RelayDelay) + cmp.Diff(test.hd, set.HD()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.words, diff)
		}
	}
	cli, _, err := parse(t, "project", "set", "--max-kbps", "900", "--max-relay-time", "5m")
	if err != nil || *cli.Project.Set.RelayMaxKbps != 900 || *cli.Project.Set.MaxRelayTime != 5*time.Minute {
		t.Errorf("got %+v, %v", cli.Project.Set, err)
	}
}

func TestFileMayHaveTheSettingsOfAllCommands(t *testing.T) {
	file := write(t, "log-format: json\nserve:\n  data: d\nkey:\n  create:\n    project: shop\n")
	cli, _, err := parse(t, "key", "create", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	if cli.Key.Create.Project != "shop" || cli.LogFormat != "json" {
		t.Errorf("got the project %q and the log format %q", cli.Key.Create.Project, cli.LogFormat)
	}
}

func TestMistakesAreSaidInOneLine(t *testing.T) {
	tests := []struct {
		name string
		args string
		want string
	}{
		{"unknown command", "serv", "serv"},
		{"unknown flag", "serve --lisen :1", "unknown flag --lisen"},
		{"missing flag", "enroll create", "missing flags: --name"},
		{"address", "serve --listen 8080", `--listen: "8080" is no HOST:PORT`},
		{"named port", "serve --turn-listen :turn", `--turn-listen: ":turn" is no HOST:PORT`},
		{"large port", "serve --metrics-listen :70000", `--metrics-listen: ":70000" is no HOST:PORT`},
		{"URL without scheme", "serve --url cameras.example.org", `--url: "cameras.example.org" is no URL such as https://cameras.example.org`},
		{"URL with a query", "serve --url https://c.example/?x=1", "--url: "},
		{"public address", "serve --public-ip me", `--public-ip: "me" is not an IP address such as 192.0.2.1`},
		{"range", "serve --allow-peers 10.0.0.0/40", `--allow-peers: "10.0.0.0/40" is not a range such as 192.0.2.0/24`},
		{"proxies", "serve --trusted-proxies nginx", `"nginx" is not a range`},
		{"relay ports", "serve --relay-ports 3000-2000", `"3000-2000" is no range of ports`},
		{"low relay ports", "serve --relay-ports 1-2000", `"1-2000" is no range of ports`},
		{"a price below none", "serve --relay-price-per-gb=-1", "--relay-price-per-gb: -1 is not between 0"},
		{"a price that is no number", "serve --relay-price-per-gb=NaN", "--relay-price-per-gb: NaN is not between 0"},
		{"a price without a currency", "serve --relay-price-per-gb=1 --relay-currency=", "--relay-currency: a price has a currency"},
		{"a currency of many words", "serve --relay-currency=abcdefghijklmnopq", "--relay-currency: more than 16 bytes"},
		{"a rate below none", "serve --relay-max-kbps=-1", "--relay-max-kbps: -1 is not between 0"},
		{"a drain without an end", "serve --relay-drain 48h", "--relay-drain: 48h0m0s is not between 0 and 24h0m0s"},
		{"a megabyte below none", "serve --points-per-mb=-1", "--points-per-mb: -1 is not between 0"},
		{"a minute that is no number", "serve --points-per-minute=NaN", "--points-per-minute: NaN is not between 0"},
		{"a low rate below none", "serve --low-budget-kbps=-1", "--low-budget-kbps: -1 is not between 0"},
		{"minutes below none", "project set --relay-minutes=-1", "--relay-minutes: -1 is not between 0"},
		{"sessions below none", "project set --max-sessions=-1", "--max-sessions: -1 is not between 0"},
		{"more points than there are", "project points add --points=1e12", "--points: 1e+12 is not between"},
		{"a budget below none", "project set --relay-gb=-1", "--relay-gb: -1 is not between 0"},
		{"a budget that is no number", "project set --relay-gb=NaN", "--relay-gb: NaN is not between 0"},
		{"a project's rate below none", "project set --relay-max-kbps=-1", "--relay-max-kbps: -1 is not between 0"},
		{"peers", "serve --relay-peers some", "--relay-peers"},
		{"a path", "serve --path relay", "--path must be one of"},
		{"a delay for ever", "serve --relay-delay 1m", "--relay-delay: 1m0s is not a number of milliseconds between 0 and 30s"},
		{"a delay of nothing that counts", "serve --relay-delay 10us", "--relay-delay: 10µs is not a number"},
		{"a relay time that is no second", "serve --max-relay-time 10ms", "--max-relay-time: 10ms is not a number of seconds between 0 and 24h0m0s"},
		{"a TURN server for STUN", "serve --stun-url turn:a.example", `--stun-url: "turn:a.example" is no URL such as stun:stun.example.org:3478`},
		{"STUN without a host", "serve --stun-url stun::3478", "--stun-url: "},
		{"STUN with more than a host", "serve --stun-url stun:a.example?transport=tcp", "--stun-url: "},
		{"STUN at no port", "serve --stun-url stun:a.example:0", "--stun-url: "},
		{"too many STUN servers", "serve --stun-url stun:a,stun:b,stun:c,stun:d,stun:e", "--stun-url: 5 servers are more than 4"},
		{"a project's path", "project set --path relay", "--path must be one of"},
		{"a project's delay", "project set --relay-delay soon", `--relay-delay: "soon" is neither a duration such as 700ms nor server`},
		{"a project's long delay", "project set --relay-delay 1h", "--relay-delay: 1h0m0s is not a number"},
		{"a project's relay time", "project set --max-relay-time 48h", "--max-relay-time: 48h0m0s is not a number"},
		{"a token's rate", "token create --device x --max-kbps=-1", "--max-kbps: -1 is not between 0"},
		{"a token's delay", "token create --device x --relay-delay=-1s", "--relay-delay: -1s is not a number"},
		{"no links", "serve --accept-rate 0", "--accept-rate: 0 is not between 1 and 100000"},
		{"memory without a unit that there is", "serve --queue-memory 1MB", `"1MB" is no size such as 256MiB`},
		{"memory that overflows", "serve --queue-memory 99999999999GiB", "is no size such as 256MiB"},
		{"no memory", "serve --queue-memory 0", "--queue-memory: less than 1MiB"},
		{"nobody from an address", "serve --address-rate 0", "--address-rate: 0 is not above 0"},
		{"a rate of nothing", "serve --api-key-rate=0", "--api-key-rate: 0 is not above 0"},
		{"a negative rate", "serve --project-rate=-1", "--project-rate: -1 is not between 0"},
		{"a drain that ends sessions", "serve --drain-deadline 2m", "--drain-deadline: 2m0s is not more than 0 and at most 1m30s"},
		{"no drain", "serve --drain-deadline 0s", "--drain-deadline: 0s "},
		{"TURN over TLS without", "serve --turn-tls-listen :5349", "--turn-tls-listen goes with --tls-cert and --tls-key"},
		{"TURN over TLS nowhere", "serve --tls-cert c --tls-key k --turn-tls-listen 5349", `--turn-tls-listen: "5349" is no HOST:PORT`},
		{"certificate alone", "serve --tls-cert c.pem", "--tls-cert and --tls-key go together"},
		{"origin with a path", "serve --origins https://a.example/x", `--origins: "https://a.example/x" is no origin`},
		{"log level", "serve --log-level loud", "--log-level must be one of"},
		{"duration", "token create --device x --ttl soon", "--ttl: "},
		{"missing file", "serve --config /nowhere.yaml", "/nowhere.yaml: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { oneLineWith(t, tt.want, strings.Fields(tt.args)...) })
	}
}

func TestMistakesInTheFileAreSaidInOneLine(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"unknown setting", "serve: {lissen: ':1'}", `--config: the file sets "serve-lissen", which does not exist`},
		{"setting at the wrong place", "listen: ':1'", `--config: the file sets "listen", which does not exist`},
		{"unknown command", "serv: {listen: ':1'}", `"serv-listen"`},
		{"no YAML", "serve: [", "--config: the file is no YAML of settings: line 1"},
		{"a list", "- a\n- b\n", "--config: the file is no YAML of settings: "},
		{"wrong value", "serve: {listen: 'x'}", `--listen: "x" is no HOST:PORT`},
		{"wrong kind", "serve: {public-ip: {a: 1}}", `"serve-public-ip-a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { oneLineWith(t, tt.want, "serve", "--config", write(t, tt.file)) })
	}
}

func oneLineWith(t *testing.T, want string, args ...string) {
	t.Helper()
	_, _, err := parse(t, args...)
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with %q", err, want)
	}
}

func TestHelpAndVersionArePrinted(t *testing.T) {
	tests := map[string]string{
		"": "serve ", "--help": "serve ", "serve --help": "--turn-listen", "key create --help": "--project", "--version": "v1.2.3\n",
	}
	for args, want := range tests {
		var out strings.Builder
		_, _, done, err := Parse(strings.Fields(args), "v1.2.3", &out, io.Discard)
		if err != nil || !done || !strings.Contains(out.String(), want) {
			t.Errorf("%q: got %v, %v and\n%s\nwant in it %q", args, done, err, out.String(), want)
		}
	}
}

func FuzzPortRange(f *testing.F) {
	f.Add("49152-65535")
	f.Add("1024")
	f.Add("-")
	f.Fuzz(func(t *testing.T, text string) {
		var r PortRange
		if err := r.UnmarshalText([]byte(text)); err == nil && text != "" && (r.Min < 1024 || r.Max < r.Min) {
			t.Errorf("%q became %+v", text, r)
		}
	})
}
