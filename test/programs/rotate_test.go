package programs

import (
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/soak"
)

// A secret that is rotated beside a running server neither stops what is allocated nor what is about to be. It takes half
// a minute until the new one signs: that part is for a soak.
func TestRelaySecretsRotateBesideARunningServer(t *testing.T) {
	s := serves(t, t.TempDir())
	mint := func() credentialsLine {
		return answers[credentialsLine](t, "turn", "credentials", "--data", s.data, "--json")[0]
	}
	allocates := func(when string, c credentialsLine) {
		if err := allocate(t, s.relay(), c); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	before := mint()
	allocates("before", before)
	rotated := answers[struct{ Key string }](t, "turn", "rotate", "--data", s.data, "--json")[0]
	if rotated.Key == "" {
		t.Fatal("the new secret has no name")
	}
	allocates("credentials from before", before)
	allocates("new credentials, at once", mint())
	if !soak.On() {
		return
	}
	<-time.After(40 * time.Second)
	after := mint()
	if !strings.Contains(after.Username, ":"+rotated.Key+".") {
		t.Errorf("credentials %s are not of the new secret %s", after.Username, rotated.Key)
	}
	allocates("credentials of the new secret", after)
	allocates("credentials of the old one", before)
}
