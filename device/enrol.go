package device

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxAnswerBytes bounds what is read of an answer to an enrolment.
const maxAnswerBytes = 64 << 10

// refusal is an answer of the hub that another attempt would not change.
type refusal struct{ message string }

func (r *refusal) Error() string { return r.message }

// enrol makes the key a device of the code's project. It tries for ever while the hub cannot be reached; a refused
// code is final. The same code and key may be sent again: the answer is the same device.
func (c *camera) enrol(ctx context.Context, key ed25519.PrivateKey, code auth.Secret) (identity, error) {
	timing := &c.agent.config
	backoff := uplink.Backoff{Min: timing.MinBackoff, Max: timing.MaxBackoff, Refused: timing.RefusedBackoff}
	for failures := 0; ; failures++ {
		id, err := c.askToEnrol(ctx, key, code)
		var refused *refusal
		if err == nil || ctx.Err() != nil || errors.As(err, &refused) {
			return id, err
		}
		wait := backoff.After(err, failures)
		c.change(func(l *live) { l.err = err })
		c.log.Warn("not enrolled yet", "err", err, "retry", wait.Round(time.Millisecond))
		if err := uplink.Pause(ctx, wait); err != nil {
			return identity{}, err
		}
	}
}

func (c *camera) askToEnrol(ctx context.Context, key ed25519.PrivateKey, code auth.Secret) (identity, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	body, err := json.Marshal(map[string]string{
		"code": code.Reveal(), "public_key": base64.StdEncoding.EncodeToString(public),
		"name": c.config.Name, "model": c.config.Model,
	})
	if err != nil {
		return identity{}, fmt.Errorf("encode enrolment: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.agent.config.DialTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.agent.hub.JoinPath("v1", "enroll").String(), bytes.NewReader(body))
	if err != nil {
		return identity{}, fmt.Errorf("make enrolment request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.agent.client.Do(request)
	if err != nil {
		return identity{}, door.Explain(nil, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return identity{}, door.Explain(nil, err)
	}
	return judgeEnrolment(response, answer)
}

// judgeEnrolment tells an enrolment from a refusal, and a refusal of the hub from something in between.
func judgeEnrolment(response *http.Response, answer []byte) (identity, error) {
	if response.Header.Get(protocol.ServerHeader) == "" {
		return identity{}, door.Explain(response, nil)
	}
	if response.StatusCode/100 == 2 {
		id, ok := decodeIdentity(answer)
		if !ok {
			return identity{}, errors.New("the hub's answer to the enrolment makes no sense")
		}
		return id, nil
	}
	var problem struct {
		Detail string `json:"detail"`
		Title  string `json:"title"`
	}
	if err := json.Unmarshal(answer, &problem); err != nil || problem.Detail == "" {
		problem.Detail = response.Status
	}
	if response.StatusCode/100 == 4 && response.StatusCode != http.StatusTooManyRequests {
		return identity{}, &refusal{"the hub refused the enrolment: " + problem.Detail}
	}
	failure := door.Explain(response, nil)
	failure.Words = "the hub answered: " + problem.Detail
	return identity{}, failure
}
