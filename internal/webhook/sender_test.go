package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"unicode/utf8"
)

// PostgreSQL takes no U+0000, and what an endpoint's attempt failed with is kept in one transaction with those of the others.
func TestACertificatesWordsAreKeptAsPlainTextOfBoundedLength(t *testing.T) {
	names := append([]string{"a\x00b\xff\x1b[2J"}, strings.Split(strings.Repeat(strings.Repeat("n", 250)+" ", 90), " ")...)
	got := inWords(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: names}, Host: "c.example"}})
	if !strings.HasPrefix(got, "TLS: ") || strings.ContainsAny(got, "\x00\x1b") || !utf8.ValidString(got) || len(got) > excerptBytes {
		t.Errorf("got %d bytes, %q", len(got), got)
	}
}
