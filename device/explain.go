package device

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// explain says in words why a question to the hub had no good answer: what a person can mend, without the layers that
// a network error comes in. The response is nil when none came.
func explain(response *http.Response, err error) error {
	if response == nil {
		return explainFailure(err)
	}
	if response.Header.Get(protocol.ServerHeader) == "" {
		if to := response.Header.Get("Location"); to != "" && response.StatusCode/100 == 3 {
			return fmt.Errorf("something other than a Sightline hub answered %s, to %q: a captive portal, or give that URL", response.Status, to)
		}
		return fmt.Errorf("something other than a Sightline hub answered %s: a proxy, a captive portal or a wrong URL", response.Status)
	}
	return &unavailable{"the hub answered " + response.Status, retryAfter(response)}
}

func explainFailure(err error) error {
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
		return errors.New("the hub's certificate is of an unknown authority: something in between intercepts, or --ca is missing")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the hub's certificate is not valid at this machine's time, %s: is the clock right?", time.Now().UTC().Format(time.RFC3339))
	case errors.As(err, &name):
		return fmt.Errorf("the hub's certificate is another host's: %w", name)
	case errors.As(err, &header):
		return errors.New("the hub does not speak TLS on this port: is its URL an http:// one?")
	case errors.As(err, &lookup):
		return fmt.Errorf("look up %s: %s", lookup.Name, lookup.Err)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errors.New("the hub did not answer in time")
	case errors.As(err, &network) && network.Addr != nil && errors.As(err, &errno):
		return fmt.Errorf("reach %s: %w", network.Addr, errno)
	case errors.As(err, &request):
		return request.Err
	}
	return err
}
