package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Explain says why a question to the hub had no good answer: in words what a person can mend, without the layers that a
// network error comes in, and as a reason for another door. The response is nil when none came.
func Explain(response *http.Response, err error) *Failure {
	if response == nil {
		return explainError(err)
	}
	if response.Header.Get(protocol.ServerHeader) == "" {
		return explainStranger(response)
	}
	f := &Failure{Words: "the hub answered " + response.Status, Retry: retryAfter(response), Err: err}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable: // it is busy, and would be at any door
	default:
		f.Reason, f.Detail = protocol.FallbackRefused, clip(fmt.Sprintf("HTTP %d from the hub", response.StatusCode))
	}
	return f
}

// explainStranger is for an answer without the hub's mark: something in between gave it.
func explainStranger(response *http.Response) *Failure {
	detail := fmt.Sprintf("HTTP %d", response.StatusCode)
	if server := response.Header.Get("Server"); server != "" {
		detail += " from " + server
	}
	f := &Failure{Reason: protocol.FallbackStatus, Detail: clip(detail)}
	to := response.Header.Get("Location")
	switch {
	case response.StatusCode == http.StatusSwitchingProtocols:
		f.Reason = protocol.FallbackSilent
		f.Words = "the upgrade was answered by something other than a Sightline hub"
	case to != "" && response.StatusCode/100 == 3:
		f.Reason = protocol.FallbackCaptivePortal
		f.Words = fmt.Sprintf("something other than a Sightline hub answered %s, to %q: a captive portal wants a login there, or the server has moved to that URL", response.Status, to)
	case response.StatusCode == http.StatusNetworkAuthenticationRequired, response.StatusCode/100 == 2 && isHTML(response):
		f.Reason = protocol.FallbackCaptivePortal
		f.Words = fmt.Sprintf("something other than a Sightline hub answered %s with a page: a captive portal wants a login in a browser, or the URL is wrong", response.Status)
	default:
		f.Words = fmt.Sprintf("something other than a Sightline hub answered %s: a proxy, a captive portal or a wrong URL", response.Status)
	}
	return f
}

func explainError(err error) *Failure {
	var (
		failure *Failure
		unknown x509.UnknownAuthorityError
	)
	if errors.As(err, &failure) {
		return failure
	}
	f := &Failure{Reason: protocol.FallbackUnreachable, Words: words(err), Err: err}
	if errors.As(err, &unknown) {
		f.Reason = protocol.FallbackIntercepted
	}
	f.Detail = clip(f.Words)
	return f
}

func words(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		header  tls.RecordHeaderError
		lookup  *net.DNSError
		network *net.OpError
		errno   syscall.Errno
		request *url.Error
	)
	switch {
	case errors.As(err, &unknown):
		return "the hub's certificate is of an unknown authority: something in between (a firewall, a virus scanner) opens the connection, or --ca is missing"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the hub's certificate is not valid at this machine's time, %s: is the clock right?", time.Now().UTC().Format(time.RFC3339))
	case errors.As(err, &name):
		return fmt.Sprintf("the hub's certificate is another host's: %v", name)
	case errors.As(err, &header):
		return "the hub does not speak TLS on this port: is its URL an http:// one?"
	case errors.As(err, &lookup):
		return fmt.Sprintf("look up %s: %s", lookup.Name, lookup.Err)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "the hub did not answer in time"
	case errors.As(err, &network) && network.Addr != nil && errors.As(err, &errno):
		return fmt.Sprintf("reach %s: %v", network.Addr, errno)
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer: by something in between, or this is not the hub's port"
	case errors.As(err, &request):
		return request.Err.Error()
	}
	return err.Error()
}

// retryAfter reads the header in its form of seconds (RFC 9110 section 10.2.3); 0 means that there is none.
func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second //nolint:gosec // 31 bits
}
