//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/test/rig"
	"github.com/sightline-rtc/sightline/test/turnload"
)

// The names of those that are compared.
const (
	ours   = "ours"
	coturn = "coturn"
	pion   = "pion"
)

// rival is a TURN server that runs on a stage.
type rival struct {
	name string
	pid  int
	// at is where it takes clients, by their transport.
	at          map[string]netip.AddrPort
	credentials []turnload.Credentials
	stop        func()
	// process is nil for coturn's.
	process *rig.Process
}

// startRivals returns those that it has started, also when it fails.
func (o compareOrder) startRivals(ctx context.Context, s *stage, scratch string) (list []*rival, err error) {
	certificate, err := selfSigned(scratch, s.address)
	if err != nil {
		return nil, err
	}
	for _, start := range []func() (*rival, error){
		func() (*rival, error) { return o.startOurs(ctx, s, scratch, certificate) },
		func() (*rival, error) { return startCoturn(ctx, s, scratch, certificate) },
		func() (*rival, error) { return startPion(ctx, s) },
	} {
		r, err := start()
		if err != nil {
			return list, err
		}
		list = append(list, r)
	}
	return list, nil
}

// startOurs runs the whole server, as operators do, and gets credentials of it: each session is one of its own.
func (o compareOrder) startOurs(ctx context.Context, s *stage, scratch string, certificate [2]string) (*rival, error) {
	program := o.program
	if program == "" {
		var err error
		if program, err = beside("sightline"); err != nil {
			return nil, err
		}
	}
	const port, secure = 3478, 5350
	data, at, tls := filepath.Join(scratch, "data"), netip.AddrPortFrom(s.address, port), netip.AddrPortFrom(s.address, secure)
	args := []string{
		"serve", "--data", data, "--listen", netip.AddrPortFrom(s.address, 8080).String(), "--turn-listen", at.String(),
		"--turn-tls-listen", tls.String(), "--tls-cert", certificate[0], "--tls-key", certificate[1],
		"--allow-peers", comparePeers, "--metrics-listen", "off",
	}
	p, err := launchRival(ctx, s, program, args...)
	if err != nil {
		return nil, err
	}
	r := &rival{
		name: ours, pid: p.PID(), stop: p.Kill, process: p,
		at: map[string]netip.AddrPort{turnload.UDP: at, turnload.TCP: at, turnload.TLS: tls},
	}
	command := []string{"turn", "credentials", "--data", data, "--count", strconv.Itoa(o.sessions)}
	out, err := s.server.Command(ctx, program, command...).Output()
	if err == nil {
		r.credentials, err = scanCredentials(bytes.NewReader(out))
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	return r, nil
}

// launchRival starts a program that says when it is ready.
func launchRival(ctx context.Context, s *stage, program string, args ...string) (*rig.Process, error) {
	cmd := s.server.Command(context.WithoutCancel(ctx), program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for the measurement, which then ends its child
	log := &serverLog{metrics: make(chan string, 1)}
	var ready struct{}
	p, err := rig.Launch(ctx, filepath.Base(program), cmd, log, &ready)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, log.tail())
	}
	return p, nil
}

// startPion runs this very program as a stock pion/turn.
func startPion(ctx context.Context, s *stage) (*rival, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	const port = 3480
	at := netip.AddrPortFrom(s.address, port)
	p, err := launchRival(ctx, s, self, pionCommand, at.String())
	if err != nil {
		return nil, err
	}
	return &rival{
		name: pion, pid: p.PID(), stop: p.Kill, process: p, credentials: []turnload.Credentials{rivalCredentials},
		at: map[string]netip.AddrPort{turnload.UDP: at},
	}, nil
}

// rivalCredentials open all servers but ours.
var rivalCredentials = turnload.Credentials{Username: "bench", Password: "bench"}

// rivalRealm is their realm.
const rivalRealm = "bench"

// coturnConfig is Debian's default as far as it concerns the relaying: no-cli and userdb keep coturn from ports and files
// that others have, and no-software-attribute hides nothing here.
const coturnConfig = `listening-ip=%[1]s
relay-ip=%[1]s
listening-port=%[2]d
tls-listening-port=%[3]d
cert=%[4]s
pkey=%[5]s
no-dtls
no-cli
lt-cred-mech
user=%[6]s:%[7]s
realm=%[8]s
userdb=%[9]s/turndb
pidfile=%[9]s/turnserver.pid
log-file=%[9]s/turnserver.log
simple-log
`

func startCoturn(ctx context.Context, s *stage, scratch string, certificate [2]string) (*rival, error) {
	program, err := exec.LookPath("turnserver")
	if err != nil {
		return nil, errors.New("coturn's turnserver is not there: install the package coturn")
	}
	const port, secure = 3479, 5349
	config := filepath.Join(scratch, "turnserver.conf")
	text := fmt.Sprintf(coturnConfig, s.address, port, secure, certificate[0], certificate[1],
		rivalCredentials.Username, rivalCredentials.Password, rivalRealm, scratch)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := s.server.Command(context.WithoutCancel(ctx), program, "-c", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	plain, tls := netip.AddrPortFrom(s.address, port), netip.AddrPortFrom(s.address, secure)
	r := &rival{
		name: coturn, pid: cmd.Process.Pid, credentials: []turnload.Credentials{rivalCredentials},
		at: map[string]netip.AddrPort{turnload.UDP: plain, turnload.TCP: plain, turnload.TLS: tls},
		stop: func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		},
	}
	if err := awaitListener(ctx, s, tls); err != nil {
		r.stop()
		return nil, fmt.Errorf("start coturn: %w", err)
	}
	return r, nil
}

// awaitListener waits until a server that does not say when it is ready takes connections.
func awaitListener(ctx context.Context, s *stage, at netip.AddrPort) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("it does not listen"))
	defer cancel()
	for {
		conn, err := s.server.Dial(ctx, "tcp", at.String())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// selfSigned writes a certificate for an address and its key, and returns the names of both files.
func selfSigned(dir string, at netip.Addr) (files [2]string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{at.AsSlice()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return files, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return files, err
	}
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: certificate}, {Type: "PRIVATE KEY", Bytes: private}} {
		files[i] = filepath.Join(dir, []string{"cert.pem", "key.pem"}[i])
		if err := os.WriteFile(files[i], pem.EncodeToMemory(block), 0o600); err != nil {
			return files, err
		}
	}
	return files, nil
}
