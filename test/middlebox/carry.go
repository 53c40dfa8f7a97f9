package middlebox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// carry connects a client to the hub and meddles with the bytes between them, until either ends.
func (p *Proxy) carry(ctx context.Context, client *conn, mode Mode) {
	defer client.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hub, err := p.config.Dial(ctx, "tcp", p.config.Target)
	if err != nil {
		client.reset()
		return
	}
	defer hub.Close()
	switch mode {
	case Cut:
		life := time.AfterFunc(p.config.CutAfter, func() {
			p.meddle()
			_ = client.Conn.Close()
			_ = hub.Close()
		})
		defer life.Stop()
		join(client, hub, io.Copy)
	case Reset:
		left := &atomic.Int64{}
		left.Store(p.config.ResetBytes)
		join(client, hub, func(to io.Writer, from io.Reader) (int64, error) {
			n, err := io.Copy(to, &meter{from: from, left: left})
			if errors.Is(err, errSpent) {
				p.meddle()
				client.reset()
			}
			return n, err
		})
	case Delay:
		p.meddle()
		join(client, hub, func(to io.Writer, from io.Reader) (int64, error) {
			if from == io.Reader(hub) {
				return late(ctx, to, from, p.config.Delay)
			}
			return io.Copy(to, from)
		})
	case Intercept:
		p.meddle()
		opened := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{p.certificate}, MinVersion: tls.VersionTLS12})
		closed := tls.Client(hub, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // so are those who intercept
		join(opened, closed, io.Copy)
	default:
		join(client, hub, io.Copy)
	}
}

// join copies both ways until one of them ends, then closes both: what a client or a hub half-closes is not needed.
func join(client, hub net.Conn, copies func(to io.Writer, from io.Reader) (int64, error)) {
	var work sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, hub}, {hub, client}} {
		work.Go(func() {
			_, _ = copies(way[0], way[1]) // however it ends, both end
			_ = client.Close()
			_ = hub.Close()
		})
	}
	work.Wait()
}

var errSpent = errors.New("the connection has carried what it may")

// meter reads until what is left, shared by both directions, has been read.
type meter struct {
	from io.Reader
	left *atomic.Int64
}

// Read implements io.Reader.
func (m *meter) Read(b []byte) (int, error) {
	if m.left.Load() <= 0 {
		return 0, errSpent
	}
	n, err := m.from.Read(b)
	if m.left.Add(-int64(n)) <= 0 && err == nil {
		err = errSpent
	}
	return n, err
}

// late copies what is read a time later. It holds back 1,000 reads at most, then the sender waits.
func late(ctx context.Context, to io.Writer, from io.Reader, delay time.Duration) (copied int64, err error) {
	type piece struct {
		bytes []byte
		due   time.Time
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces := make(chan piece, 1000)
	var reader sync.WaitGroup
	defer reader.Wait()
	reader.Go(func() {
		defer close(pieces)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			select {
			case pieces <- piece{b[:n], time.Now().Add(delay)}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	for piece := range pieces {
		select {
		case <-time.After(time.Until(piece.due)):
		case <-ctx.Done():
			return copied, ctx.Err()
		}
		n, err := to.Write(piece.bytes)
		copied += int64(n)
		if err != nil {
			return copied, err
		}
	}
	return copied, nil
}

// selfSigned makes a certificate for a HOST:PORT, signed by itself.
func selfSigned(address string) (tls.Certificate, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Middlebox"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
