package turn

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/soak"
)

// A session that lives three times as long as the credentials that it began with: five minutes and fifteen when it soaks.
func TestASessionOutlivesItsCredentials(t *testing.T) {
	life := soak.Duration(2*time.Second, DefaultCredentialLife) // their end is in whole seconds: of one second nothing may be left
	h := start(t, func(c *Config) { c.CredentialLife = life })
	peer := h.peer(t)
	creds := h.credentials(t, grantA, protocol.RoleViewer)
	relayed, err := h.dial(t, transportTCP, creds).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	c := h.dialRaw(t, creds)
	c.allocate()
	began := time.Now()
	tick := time.NewTicker(life / 20)
	defer tick.Stop()
	for time.Since(began) < 3*life {
		<-tick.C
		send(t, relayed, "up", peer.LocalAddr())
		_, from := receive(t, peer)
		send(t, peer, "down as long as it takes", from)
		receive(t, relayed)
		for _, method := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
			if code := c.request(method, xorPeer(addrPort(peer.LocalAddr())), channel(0x4000)); code != 0 {
				t.Fatalf("%s after %s: got %d", method, time.Since(began), code)
			}
		}
	}
	if code := h.dialRaw(t, creds).request(stun.MethodAllocate, requestedUDP); code != 400 {
		t.Errorf("one more allocation with the first credentials: got %d, want 400", code)
	}
	if code := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer)).request(stun.MethodAllocate, requestedUDP); code != 0 {
		t.Errorf("one more with renewed ones: got %d", code)
	}
	// What has been allocated goes on with the renewed ones, too.
	c.creds = h.credentials(t, grantA, protocol.RoleViewer)
	if code := c.request(stun.MethodRefresh); code != 0 {
		t.Errorf("refresh with renewed credentials: got %d", code)
	}
}
