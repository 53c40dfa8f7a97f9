package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// CLI is the command line of the server.
type CLI struct {
	Config    kong.ConfigFlag  `help:"Read settings from this YAML file." placeholder:"FILE"`
	LogLevel  string           `help:"Least level that is logged: debug, info, warn or error." default:"info" enum:"debug,info,warn,error"`
	LogFormat string           `help:"Form of the log on stderr: text or json." default:"text" enum:"text,json"`
	Version   kong.VersionFlag `help:"Print the version." env:"-"` // the name is too good for something else

	Serve   Serve   `cmd:"" help:"Run the server: hub, relay, API and pages."`
	Project Project `cmd:"" help:"Projects of partners, and what they may use of the relay."`
	Key     Key     `cmd:"" help:"API keys of partners."`
	Enroll  Enroll  `cmd:"" help:"One-time codes with which cameras join."`
	Token   Token   `cmd:"" help:"Tokens with which viewers look at a camera."`
	Turn    Turn    `cmd:"" help:"Relay credentials for measuring tools."`
	Check   Check   `cmd:"" help:"Say in words whether the settings are good and a server can be reached."`
}

// Data is where a server's records are. Commands work beside a running server.
type Data struct {
	Data     string      `help:"Directory of the server's records." default:"sightline-data" placeholder:"DIR"`
	Database auth.Secret `help:"PostgreSQL database of the records, in place of the directory: postgres://USER:PASSWORD@HOST/NAME. Other users of the machine see flags: SIGHTLINE_DATABASE is better." placeholder:"URL"`
}

// Serve has the settings of a server.
type Serve struct {
	Data
	Sync           string         `help:"When SQLite waits for the disk: normal, so that a power cut may cost the last seconds, or full, at each commit." enum:"normal,full" default:"normal" placeholder:"MODE"`
	Listen         string         `help:"Address of pages, API and links." default:":8080" placeholder:"HOST:PORT"`
	TurnListen     string         `help:"Address of STUN and TURN, over UDP and TCP." default:":3478" placeholder:"HOST:PORT"`
	TurnTLSListen  string         `name:"turn-tls-listen" help:"Address of TURN over TLS, such as :5349. Empty: none." placeholder:"HOST:PORT"`
	TurnAltPort    uint16         `help:"Another UDP port of STUN, from which clients learn how their NAT behaves (RFC 5780), such as 3479. 0: none." placeholder:"PORT"`
	TurnOnListen   bool           `help:"Serve TURN on --listen as well: over TLS with a certificate, else over TCP."`
	URL            string         `name:"url" help:"URL under which browsers and cameras reach the server, if it is not the listen address." placeholder:"URL"`
	PublicIP       []netip.Addr   `name:"public-ip" help:"Address that the relay tells clients, behind a 1:1 NAT: one IPv4, one IPv6, or both." placeholder:"IP"`
	RelayPorts     PortRange      `help:"Ports of the relay's own sockets, such as 49152-65535. Empty: any." placeholder:"MIN-MAX"`
	AllowPeers     []netip.Prefix `help:"Private or special ranges that the relay may reach, for LANs and labs." placeholder:"CIDR"`
	RelayPeers     string         `help:"Peers that signaling has not seen in a session: enforce refuses them, observe counts them." enum:"observe,enforce" default:"enforce" placeholder:"MODE"`
	RelayMaxKbps   int            `help:"What may go through the relay for one end of a session in one direction, in kbit/s, where its project has no bound of its own. 0: no bound." placeholder:"N"`
	RelayDrain     time.Duration  `help:"How long a stop waits for relayed sessions to end. 0: they break off." placeholder:"DURATION"`
	STUNURL        []string       `name:"stun-url" help:"Another STUN server that cameras and viewers ask for their address, beside this one, such as stun:stun.example.org:3478." placeholder:"URL"`
	IPv6FillIn     bool           `name:"ipv6-fill-in" env:"SIGHTLINE_IPV6_FILL_IN" help:"Tell cameras the IPv6 address that a viewer's link comes from where the browser hides it (mDNS). --no-ipv6-fill-in: do not." default:"true" negatable:""`
	Path           string         `help:"How sessions may go where their project does not say: prefer_direct, direct_only or relay_only." enum:"prefer_direct,direct_only,relay_only" default:"prefer_direct" placeholder:"PATH"`
	RelayDelay     time.Duration  `help:"How long a viewer tries without the relay first. 0: it does not." default:"700ms"`
	MaxRelayTime   time.Duration  `help:"How long a session may go through the relay, in whole seconds, where its project has no bound of its own. 0: no bound." placeholder:"DURATION"`
	RelayHD        bool           `name:"relay-hd" help:"Let a camera's best rendition go over the relay where its project does not say. Without it the smaller one goes there, if the camera has one."`
	RelayPrice     float64        `name:"relay-price-per-gb" help:"What a gigabyte through the relay costs, for GET /v1/usage/paths. 0: not known." placeholder:"N"`
	RelayCurrency  string         `help:"Currency of --relay-price-per-gb." default:"USD" placeholder:"TEXT"`
	PointsPerMB    float64        `name:"points-per-mb" help:"Points that a megabyte (10⁶ bytes) through the relay costs a project which pays with points." default:"1" placeholder:"N"`
	PointsPerMin   float64        `name:"points-per-minute" help:"Points that a minute of a session through the relay costs such a project." default:"0" placeholder:"N"`
	LowBudgetKbps  int            `help:"What may go through the relay for one end of a session in one direction, in kbit/s, once its project has used 80 % of a budget. 0: as before." default:"500" placeholder:"N"`
	WebhookLocal   bool           `name:"webhook-loopback" help:"Send webhooks to this host too, and by http: for development only."`
	Origins        []string       `help:"Web origins, besides the server's own, whose pages may show cameras; * for all." placeholder:"ORIGIN"`
	TrustedProxies []netip.Prefix `help:"Proxies whose X-Forwarded-For is believed." placeholder:"CIDR"`
	TLSCert        string         `name:"tls-cert" help:"Certificate chain, PEM. With --tls-key the server speaks HTTPS." placeholder:"FILE"`
	TLSKey         string         `name:"tls-key" help:"Key of the certificate, PEM." placeholder:"FILE"`
	AcceptRate     float64        `help:"Links that may come in a second; after a stop clients come back at this rate." default:"500" placeholder:"N"`
	AddressRate    float64        `help:"Links that may come from one address in a second, ten times as many at once." default:"20" placeholder:"N"`
	QueueMemory    Bytes          `help:"Memory for all that waits to be sent to clients." default:"256MiB" placeholder:"SIZE"`
	ProjectRate    float64        `help:"New links that one project may make in a second. 0: as many as in all." placeholder:"N"`
	APIKeyRate     float64        `name:"api-key-rate" help:"Requests to the API that one key may make in a second, ten times as many at once." default:"100" placeholder:"N"`
	APIProjectRate float64        `name:"api-project-rate" help:"Requests to the API that all keys of a project may make in a second, ten times as many at once." default:"400" placeholder:"N"`
	DrainDeadline  time.Duration  `help:"Longest time over which a stop spreads the return of its clients." default:"1m"`
	MetricsListen  string         `help:"Address of /metrics. Empty: 127.0.0.1:9464, or any free port where that is taken; off: none." placeholder:"HOST:PORT"`
}

// Enroll has the commands about enrolment codes.
type Enroll struct {
	Create EnrollCreate `cmd:"" help:"Make a code with which one camera joins. It is good for 24 hours and is shown once."`
}

// EnrollCreate makes an enrolment code.
type EnrollCreate struct {
	Data
	Project string `help:"Project that the camera joins." default:"default"`
	Name    string `help:"Name of the camera." required:""`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Token has the commands about viewer tokens.
type Token struct {
	Create TokenCreate `cmd:"" help:"Make a token with which a viewer looks at one camera."`
}

// TokenCreate makes a viewer token.
type TokenCreate struct {
	Data
	Device  string        `help:"Camera that the token opens." required:"" placeholder:"ID"`
	Subject string        `help:"Who looks." default:"viewer"`
	Grants  []string      `help:"What the viewer may do: view, audio, talk, control." default:"view,audio"`
	TTL     time.Duration `name:"ttl" help:"How long the token is good, 24h at most." default:"1h"`
	JSON    bool          `name:"json" help:"Print JSON."`

	Path         string         `help:"How sessions with the token may go, unless its project allows one path only: prefer_direct, direct_only or relay_only." enum:"prefer_direct,direct_only,relay_only," default:"" placeholder:"PATH"`
	RelayDelay   *time.Duration `help:"How long the viewer tries without the relay first, if not as long as its project says. 0s: it does not." placeholder:"DURATION"`
	MaxRelayTime time.Duration  `help:"How long a session may go through the relay, in whole seconds. 0: as long as its project says." placeholder:"DURATION"`
	MaxKbps      int            `help:"What may go through the relay for one end of a session in one direction, in kbit/s. 0: what its project says." placeholder:"N"`
	RelayHD      string         `name:"relay-hd" help:"no: the camera's smaller rendition over the relay, whatever its project says. yes: as that says." enum:"yes,no," default:"" placeholder:"ANSWER"`
}

// Turn has the commands about relay credentials.
type Turn struct {
	Credentials TurnCredentials `cmd:"" help:"Make relay credentials, each for a test session of its own that lives an hour."`
	Rotate      TurnRotate      `cmd:"" help:"Make a new secret for relay credentials. Running servers take it up; sessions go on."`
}

// TurnRotate makes a secret of relay credentials.
type TurnRotate struct {
	Data
	JSON bool `name:"json" help:"Print JSON."`
}

// TurnCredentials makes relay credentials.
type TurnCredentials struct {
	Data
	Project string `help:"Project of the test sessions." default:"default"`
	Count   int    `help:"How many." default:"1"`
	JSON    bool   `name:"json" help:"Print JSON, one object a line."`
}

// Check has the settings of a server and may reach one. With --url alone it only asks that server for its health.
type Check struct {
	Serve
}

// PortRange is MIN-MAX, both included; the zero value is any.
type PortRange struct{ Min, Max uint16 }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *PortRange) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = PortRange{}
		return nil
	}
	low, high, ok := strings.Cut(string(text), "-")
	least, err1 := strconv.ParseUint(low, 10, 16)
	most, err2 := strconv.ParseUint(high, 10, 16)
	if !ok || err1 != nil || err2 != nil || least > most || least < 1024 {
		return fmt.Errorf("%q is no range of ports from 1024 to 65535, such as 49152-65535", text)
	}
	r.Min, r.Max = uint16(least), uint16(most)
	return nil
}

// Bytes is an amount of memory.
type Bytes int64

// UnmarshalText implements encoding.TextUnmarshaler. It takes a whole number of bytes, KiB, MiB or GiB.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if of, found := strings.CutSuffix(number, unit); found {
			number, shift = of, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63-shift)
	if err != nil {
		return fmt.Errorf("%q is no size such as 256MiB", text)
	}
	*b = Bytes(n << shift) //nolint:gosec // it fits: that was asked for
	return nil
}

// Parse reads a command line, the environment and the file that --config names. It returns the settings and the
// command's words, such as "key create". stdout gets help and version; done is true when that was all.
func Parse(args []string, version string, stdout, stderr io.Writer) (cli *CLI, command string, done bool, err error) {
	cli = &CLI{}
	parser, err := kong.New(cli,
		kong.Name("sightline"),
		kong.Description("Sightline connects cameras to browsers by the straightest path."),
		kong.DefaultEnvars("SIGHTLINE"),
		kong.Configuration(loadFile),
		kong.Vars{"version": version},
		kong.TypeMapper(reflect.TypeFor[netip.Addr](), mapText("an IP address such as 192.0.2.1", netip.ParseAddr)),
		kong.TypeMapper(reflect.TypeFor[netip.Prefix](), mapText("a range such as 192.0.2.0/24", parsePrefix)),
		kong.TypeMapper(reflect.TypeFor[auth.Secret](), mapText("a secret", func(text string) (auth.Secret, error) { return auth.NewSecret(text), nil })),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { done = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return nil, "", false, fmt.Errorf("read command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if done {
		return cli, "", true, nil
	}
	if err != nil {
		return nil, "", false, err
	}
	return cli, kctx.Command(), false, nil
}

// mapText makes a mapper whose errors are for people.
func mapText[T any](what string, parse func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto(what, &text); err != nil {
			return err
		}
		value, err := parse(text)
		if err != nil {
			return fmt.Errorf("%q is not %s", text, what)
		}
		target.Set(reflect.ValueOf(value))
		return nil
	}
}

// parsePrefix takes one address for the range of just that.
func parsePrefix(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Prefix(ip.BitLen())
	}
	return netip.ParsePrefix(text)
}

// Validate finds what cannot be right whatever the machine, and brings the URL into the form without a last slash. Parse
// has it called for whatever command has these settings.
func (s *Serve) Validate() error {
	if err := checkAddress("--listen", s.Listen); err != nil {
		return err
	}
	if err := checkAddress("--turn-listen", s.TurnListen); err != nil {
		return err
	}
	if s.MetricsListen != "" && s.MetricsListen != "off" {
		if err := checkAddress("--metrics-listen", s.MetricsListen); err != nil {
			return err
		}
	}
	if err := cmp.Or(s.checkReturn(), s.checkAPI(), s.checkRelay(), s.checkTLS()); err != nil {
		return err
	}
	if s.URL != "" && !isBaseURL(s.URL) {
		return fmt.Errorf("--url: %q is no URL such as https://cameras.example.org", s.URL)
	}
	s.URL = strings.TrimSuffix(s.URL, "/")
	for _, origin := range s.Origins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Host == "" || u.Path != "") {
			return fmt.Errorf("--origins: %q is no origin such as https://shop.example.org", origin)
		}
	}
	return nil
}

// checkTLS looks at what needs a certificate, or is part of one.
func (s *Serve) checkTLS() error {
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if s.TurnTLSListen == "" {
		return nil
	}
	if s.TLSCert == "" {
		return errors.New("--turn-tls-listen goes with --tls-cert and --tls-key")
	}
	return checkAddress("--turn-tls-listen", s.TurnTLSListen)
}

// maxAcceptRate is more than one machine can take.
const maxAcceptRate = 100_000

// minQueueMemory is about what one link may fill.
const minQueueMemory = 1 << 20

// checkReturn looks at what says how clients come, and come back after a stop.
func (s *Serve) checkReturn() error {
	if s.AcceptRate < 1 || s.AcceptRate > maxAcceptRate {
		return fmt.Errorf("--accept-rate: %v is not between 1 and %d links a second", s.AcceptRate, maxAcceptRate)
	}
	if s.QueueMemory < minQueueMemory {
		return errors.New("--queue-memory: less than 1MiB leaves no room")
	}
	if s.AddressRate <= 0 || s.AddressRate > maxAcceptRate {
		return fmt.Errorf("--address-rate: %v is not above 0 and up to %d links a second", s.AddressRate, maxAcceptRate)
	}
	if s.ProjectRate < 0 || s.ProjectRate > maxAcceptRate {
		return fmt.Errorf("--project-rate: %v is not between 0 and %d links a second", s.ProjectRate, maxAcceptRate)
	}
	if most := protocol.MediaTimeout * 3 / 4; s.DrainDeadline <= 0 || s.DrainDeadline > most {
		return fmt.Errorf("--drain-deadline: %v is not more than 0 and at most %v: a restarted server ends the sessions of absent clients after %v",
			s.DrainDeadline, most, protocol.MediaTimeout)
	}
	return nil
}

func (s *Serve) checkAPI() error {
	if s.APIKeyRate <= 0 || s.APIKeyRate > maxAcceptRate {
		return fmt.Errorf("--api-key-rate: %v is not above 0 and up to %d requests a second", s.APIKeyRate, maxAcceptRate)
	}
	if s.APIProjectRate <= 0 || s.APIProjectRate > maxAcceptRate {
		return fmt.Errorf("--api-project-rate: %v is not above 0 and up to %d requests a second", s.APIProjectRate, maxAcceptRate)
	}
	return nil
}

func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is no HOST:PORT", flag, address)
	}
	return nil
}
