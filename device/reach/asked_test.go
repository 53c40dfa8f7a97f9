package reach

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPortIsUnheardWhileNobodyAnswers(t *testing.T) {
	p := open(t, Config{Listen: "127.0.0.1:0"})
	if p.Unheard() {
		t.Error("without servers: got yes, want no")
	}
	p.mu.Lock()
	p.servers = []server{{address: serverA}, {address: serverB}}
	p.mu.Unlock()
	if !p.Unheard() {
		t.Error("with servers that say nothing: got no, want yes")
	}
	if diff := cmp.Diff([]string{serverA.String(), serverB.String()}, texts(p.Asked())); diff != "" {
		t.Errorf("asked: %s", diff)
	}
	p.mu.Lock()
	p.servers[1].mapped = netip.MustParseAddrPort("203.0.113.9:5000")
	p.mu.Unlock()
	if p.Unheard() {
		t.Error("with one that answered: got yes, want no")
	}
}

func texts(addresses []netip.AddrPort) []string {
	list := make([]string, 0, len(addresses))
	for _, a := range addresses {
		list = append(list, a.String())
	}
	return list
}
