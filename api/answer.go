package api

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/sightline-rtc/sightline/record"
)

// maxKeptBytes bounds what is kept of one answer. The largest, of a batch of a thousand enrolments, is under 200 KB.
const maxKeptBytes = 256 << 10

// keptAnswer is an answer that can be given again.
type keptAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body,omitempty"`
}

func (k *keptAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.Header)
	w.WriteHeader(k.Status)
	_, _ = w.Write(k.Body) // fails only when the client has gone
}

// seal encrypts the answer so that only who brings the request's API key opens it, of which the server keeps no more than
// a hash: answers hold secrets that are kept nowhere else. It returns nil for an answer that is too large to be kept.
func (k *keptAnswer) seal(claim *record.Claim) ([]byte, error) {
	plain, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	if len(plain) > maxKeptBytes {
		return nil, nil
	}
	box, err := boxOf(claim)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	return box.Seal(nonce, nonce, plain, claim.Request), nil
}

// openAnswer is the reverse of seal.
func openAnswer(claim *record.Claim) (*keptAnswer, error) {
	box, err := boxOf(claim)
	if err != nil {
		return nil, err
	}
	if len(claim.Answer) < box.NonceSize() {
		return nil, errors.New("no answer was kept")
	}
	nonce, sealed := claim.Answer[:box.NonceSize()], claim.Answer[box.NonceSize():]
	plain, err := box.Open(nil, nonce, sealed, claim.Request)
	if err != nil {
		return nil, fmt.Errorf("open an answer: %w", err)
	}
	given := &keptAnswer{}
	return given, json.Unmarshal(plain, given)
}

func boxOf(claim *record.Claim) (cipher.AEAD, error) {
	block, err := aes.NewCipher(claim.Key("answer"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// recorder takes an answer before it is sent.
type recorder struct {
	below  http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder(below http.ResponseWriter) *recorder {
	return &recorder{below: below, header: http.Header{}, status: http.StatusOK}
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.below }

func (r *recorder) answer() *keptAnswer {
	return &keptAnswer{Status: r.status, Header: r.header, Body: r.body.Bytes()}
}
