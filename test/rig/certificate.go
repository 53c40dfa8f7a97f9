//go:build linux

package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is one of the server's own making, good for its addresses.
type Certificate struct {
	// Cert and Key are PEM files; Cert is an authority as well.
	Cert, Key string
	// Pin names its public key to a browser that is to believe it: base64 of the SHA-256 of the SubjectPublicKeyInfo.
	Pin string
}

// Flags let a server use it.
func (c Certificate) Flags() []string { return []string{"--tls-cert", c.Cert, "--tls-key", c.Key} }

// Certificate makes one for the server's host.
func (r *Rig) Certificate() (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{r.Server.Addr.AsSlice()},
	}
	if addr6 := r.Server.Addr6(); addr6.IsValid() {
		template.IPAddresses = append(template.IPAddresses, addr6.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return Certificate{}, err
	}
	pin := sha256.Sum256(public)
	c := Certificate{
		Cert: filepath.Join(r.scratch, "cert.pem"), Key: filepath.Join(r.scratch, "key.pem"),
		Pin: base64.StdEncoding.EncodeToString(pin[:]),
	}
	if err := writePEM(c.Cert, "CERTIFICATE", der); err != nil {
		return Certificate{}, err
	}
	return c, writePEM(c.Key, "PRIVATE KEY", private)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
