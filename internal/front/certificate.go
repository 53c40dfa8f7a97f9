package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificateInterval is how often the files of a certificate are looked at: a renewal is done weeks before it is needed.
const certificateInterval = 10 * time.Second

// Certificate is one whose files may be replaced while it is used, as ACME clients do it. It is safe for concurrent use, but
// for Run, which is for one goroutine.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	// cert and key are what the files had when they were last looked at. They belong to Run once it runs.
	cert, key []byte
}

// LoadCertificate reads a certificate chain and its key, both PEM. A nil logger is slog.Default.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	if log == nil {
		log = slog.Default()
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Run takes over what changes in the files, for clients that come afterwards, until the context ends. What is no certificate
// with its key, such as files half replaced, is reported once and left alone: the old one is used on.
func (c *Certificate) Run(ctx context.Context) error {
	tick := time.NewTicker(certificateInterval)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch changed, err := c.load(); {
		case err != nil:
			if err.Error() != last {
				c.log.Warn("certificate not renewed", "path", c.certFile, "err", err)
			}
			last = err.Error()
		case changed:
			last = ""
			c.log.Info("certificate renewed", "path", c.certFile, "until", c.current.Load().Leaf.NotAfter)
		}
	}
}

// load reads the files and uses them when they are good and new.
func (c *Certificate) load() (changed bool, err error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, err
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, err
	}
	if c.current.Load() != nil && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, err
	}
	c.cert, c.key = cert, key
	c.current.Store(&pair)
	return true, nil
}

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
