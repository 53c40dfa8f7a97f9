package reach

import "testing"

func open(t *testing.T, cfg Config) *Port {
	t.Helper()
	p, err := Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func TestAddressesAreNotLoopbackUnlessThereIsNothingElse(t *testing.T) {
	loopback, other := 0, 0
	for _, a := range open(t, Config{}).Addresses() {
		if a.Addr().IsLoopback() {
			loopback++
		} else {
			other++
		}
	}
	if loopback == 0 == (other == 0) {
		t.Errorf("addresses: got %d of loopback and %d others, want one kind", loopback, other)
	}
}

func TestPortOfOneAddressHasJustThat(t *testing.T) {
	got := open(t, Config{Listen: "127.0.0.1:0"}).Addresses()
	if len(got) != 1 || got[0].Addr().String() != "127.0.0.1" || got[0].Port() == 0 {
		t.Errorf("addresses: got %v, want the one of loopback", got)
	}
}
