package config

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxSTUN is more than helps: two tell what there is to know, and each is asked by every viewer.
const maxSTUN = 4

// Terms are those of projects that leave them open.
func (s *Serve) Terms() record.Terms {
	return record.Terms{
		Path: protocol.PathPolicy(s.Path), RelayDelay: record.DelayOf(s.RelayDelay),
		MaxRelay: s.MaxRelayTime, MaxKbps: s.RelayMaxKbps, RelayHD: record.AnswerOf(&s.RelayHD),
	}
}

// PathPolicy is what --path says; nil where it says nothing.
func (p *ProjectSet) PathPolicy() *protocol.PathPolicy {
	if p.Path == "" {
		return nil
	}
	var path protocol.PathPolicy
	if p.Path != serverWord {
		path = protocol.PathPolicy(p.Path)
	}
	return &path
}

// HD is what --relay-hd says; nil where it says nothing.
func (p *ProjectSet) HD() *record.Answer {
	if p.RelayHD == "" {
		return nil
	}
	var hd record.Answer
	if p.RelayHD != serverWord {
		hd = record.Answer(p.RelayHD)
	}
	return &hd
}

func (p *ProjectSet) checkTerms() error {
	if p.RelayMaxKbps != nil {
		if err := checkKbps("--relay-max-kbps", *p.RelayMaxKbps); err != nil {
			return err
		}
	}
	if p.RelayDelay != nil {
		if err := checkRelayDelay(p.RelayDelay.Duration); err != nil {
			return err
		}
	}
	if p.MaxRelayTime != nil {
		return checkRelayTime(*p.MaxRelayTime)
	}
	return nil
}

// Terms are those of the token's sessions.
func (t *TokenCreate) Terms() record.Terms {
	terms := record.Terms{
		Path: protocol.PathPolicy(t.Path), MaxRelay: t.MaxRelayTime, MaxKbps: t.MaxKbps, RelayHD: record.Answer(t.RelayHD),
	}
	if t.RelayDelay != nil {
		terms.RelayDelay = record.DelayOf(*t.RelayDelay)
	}
	return terms
}

// Validate finds bounds that cannot be.
func (t *TokenCreate) Validate() error {
	return cmp.Or(checkKbps("--max-kbps", t.MaxKbps), checkRelayDelay(t.Terms().RelayDelay.Duration), checkRelayTime(t.MaxRelayTime))
}

// serverWord leaves a setting to the server.
const serverWord = "server"

// Delay is a duration, or the server's.
type Delay record.Delay

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Delay) UnmarshalText(text []byte) error {
	if string(text) == serverWord {
		*d = Delay{}
		return nil
	}
	duration, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a duration such as 700ms nor server", text)
	}
	*d = Delay(record.DelayOf(duration))
	return nil
}

func checkKbps(flag string, kbps int) error {
	if kbps < 0 || kbps > record.MaxKbps {
		return fmt.Errorf("%s: %d is not between 0 and %d", flag, kbps, record.MaxKbps)
	}
	return nil
}

func checkRelayDelay(d time.Duration) error {
	if d < 0 || d > record.MaxRelayDelay || d%time.Millisecond != 0 {
		return fmt.Errorf("--relay-delay: %v is not a number of milliseconds between 0 and %v", d, record.MaxRelayDelay)
	}
	return nil
}

func checkRelayTime(d time.Duration) error {
	if d < 0 || d > record.MaxRelayTime || d%time.Second != 0 {
		return fmt.Errorf("--max-relay-time: %v is not a number of seconds between 0 and %v", d, record.MaxRelayTime)
	}
	return nil
}

// checkSTUN looks at STUN servers: cameras ask them over UDP (RFC 7064).
func (s *Serve) checkSTUN() error {
	if len(s.STUNURL) > maxSTUN {
		return fmt.Errorf("--stun-url: %d servers are more than %d", len(s.STUNURL), maxSTUN)
	}
	for _, text := range s.STUNURL {
		if !isSTUN(text) {
			return fmt.Errorf("--stun-url: %q is no URL such as stun:stun.example.org:3478", text)
		}
	}
	return nil
}

func isSTUN(text string) bool {
	at, ok := strings.CutPrefix(text, "stun:")
	u, err := url.Parse("//" + at)
	if !ok || err != nil || u.Host != at || u.Hostname() == "" {
		return false
	}
	if u.Port() == "" {
		return !strings.HasSuffix(at, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
