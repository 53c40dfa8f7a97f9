package middlebox

// Mode is one way to meddle. Its text is for the names of tests.
type Mode string

// The modes. Only Intercept opens TLS; those that have to see requests see none in it, and end the connection.
const (
	// Pass lets everything through, byte by byte.
	Pass Mode = "pass"
	// Answer answers 200 to upgrades, as some mobile carriers do.
	Answer Mode = "answer"
	// Swallow answers 101 to upgrades, takes what comes and passes nothing on.
	Swallow Mode = "swallow"
	// Forbid answers 403 to upgrades.
	Forbid Mode = "forbid"
	// Refuse resets connections that ask for an upgrade.
	Refuse Mode = "refuse"
	// Cut ends every connection after Config.CutAfter.
	Cut Mode = "cut"
	// Reset resets every connection after Config.ResetBytes, both directions together.
	Reset Mode = "reset"
	// Delay lets everything that comes from the hub arrive after Config.Delay.
	Delay Mode = "delay"
	// Buffer passes requests and answers on when it has them whole. It is a proxy of HTTP alone: it takes headers of the
	// connection away (RFC 9110 section 7.6.1), Upgrade among them.
	Buffer Mode = "buffer"
	// Portal redirects every request to a login page.
	Portal Mode = "portal"
	// Intercept ends TLS itself, with a certificate of an authority that nobody knows, and passes the rest on.
	Intercept Mode = "intercept"
)

// readsHTTP reports whether the mode has to understand requests.
func (m Mode) readsHTTP() bool {
	switch m {
	case Answer, Swallow, Forbid, Refuse, Buffer, Portal:
		return true
	}
	return false
}
