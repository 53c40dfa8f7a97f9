package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

const (
	// timeout bounds one attempt, from the name to the answer's body.
	timeout = 15 * time.Second
	// connectTimeout bounds its connection, and TLS on that.
	connectTimeout = 5 * time.Second
	// bodyTimeout bounds the reading of the answer's body, which decides nothing.
	bodyTimeout = 2 * time.Second
	// readBytes is read of an answer's body, so that a connection with a short one is used again; excerptBytes are kept.
	readBytes    = 4 << 10
	excerptBytes = 512
	// maxHeaderBytes bounds the header of an answer.
	maxHeaderBytes = 16 << 10
	// maxIdle bounds the connections that are kept for the next delivery.
	maxIdle     = 512
	idleTimeout = 30 * time.Second
	// maxRetryAfter is the longest that an endpoint may put us off.
	maxRetryAfter = time.Hour
)

// outcome is what came of one attempt.
type outcome struct {
	at       time.Time
	took     time.Duration
	status   int
	err      string
	response string
	// retryAfter is how long the endpoint wants to be left alone.
	retryAfter time.Duration
}

func (o *outcome) ok() bool   { return o.err == "" }
func (o *outcome) gone() bool { return o.status == http.StatusGone }

// sender makes requests.
type sender struct {
	client  *http.Client
	timeout time.Duration
	now     func() time.Time
}

// newSender makes a sender. It uses no proxy: the guard has to see the address that is connected to.
func newSender(guard *Guard, roots *x509.CertPool, now func() time.Time) *sender {
	dialer := &net.Dialer{Timeout: connectTimeout, ControlContext: guard.control, Resolver: guard.Resolver}
	return &sender{now: now, timeout: timeout, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxInFlight,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true,
		},
	}}
}

// close drops the connections that are kept.
func (s *sender) close() { s.client.CloseIdleConnections() }

// send makes one attempt. Only an answer of 2xx is a success.
func (s *sender) send(ctx context.Context, w *record.Webhook, id string, body []byte) outcome {
	o := outcome{at: s.now()}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		o.err = "the URL cannot be requested"
		return o
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Sightline-Webhooks/1.0")
	sign(request.Header, w, id, body, o.at)
	response, err := s.client.Do(request)
	if err != nil {
		o.took, o.err = s.now().Sub(o.at), inWords(err)
		return o
	}
	stop := time.AfterFunc(bodyTimeout, cancel)
	read, _ := io.ReadAll(io.LimitReader(response.Body, readBytes)) // it decides nothing
	stop.Stop()
	_ = response.Body.Close()
	o.took, o.status, o.response = s.now().Sub(o.at), response.StatusCode, excerpt(read)
	switch {
	case o.status >= 200 && o.status < 300:
	case o.status >= 300 && o.status < 400:
		o.err = fmt.Sprintf("answered %d: redirects are not followed", o.status)
	default:
		o.err = fmt.Sprintf("answered %d", o.status)
	}
	if o.status == http.StatusTooManyRequests || o.status == http.StatusServiceUnavailable {
		o.retryAfter = retryAfter(response.Header.Get("Retry-After"), o.at)
	}
	return o
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3); 0 is none.
func retryAfter(text string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// excerpt makes a text of the beginning of a body.
func excerpt(body []byte) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(body[:min(len(body), excerptBytes)]), ""))
	return strings.TrimSpace(text)
}

// inWords says why nothing was answered, without the server's own addresses.
func inWords(err error) string {
	var dns *net.DNSError
	var network net.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var op *net.OpError
	switch {
	case errors.Is(err, errNotPublic):
		return "the URL leads to an address that is not public"
	case errors.As(err, &dns):
		return "the host's name could not be resolved"
	case errors.As(err, &certificate):
		return excerpt([]byte("TLS: " + certificate.Err.Error())) // which may have the certificate's own words
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return "the endpoint does not speak TLS as it should"
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "the endpoint did not answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "the endpoint could not be connected to"
	case errors.Is(err, context.Canceled):
		return "the attempt was cut short"
	}
	return "the connection broke, or what came is no HTTP"
}
