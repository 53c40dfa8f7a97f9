package reach

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestSTUNServersArePickedBeforeRelays(t *testing.T) {
	got := STUNServers([]protocol.ICEServer{
		{URLs: []string{"turn:a:1?transport=udp", "turn:a:1?transport=tcp", "turns:a:2"}},
		{URLs: []string{"stun:b:3", "stun:b:3"}},
	})
	if want := []string{"stun:b:3", "stun:a:1"}; !cmp.Equal(got, want) {
		t.Errorf("servers: %s", cmp.Diff(want, got))
	}
}
