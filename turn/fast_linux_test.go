package turn

import (
	"testing"
	"time"
)

func TestFastPathAllocatesNothing(t *testing.T) {
	h := start(t, func(c *Config) { c.UsageInterval, c.Portable = time.Hour, false })
	b := h.bindRaw(t, grantA)
	data := make([]byte, 1200)
	datagram := frame(testChannel, data)
	buf := make([]byte, 2048)
	_ = b.conn.SetReadDeadline(time.Time{})
	_ = b.peer.SetReadDeadline(time.Time{})
	for name, pass := range map[string]func(){
		"up": func() {
			_, _ = b.conn.Write(datagram)
			_, _, _ = b.peer.ReadFromUDPAddrPort(buf)
		},
		"down": func() {
			_, _ = b.peer.WriteToUDPAddrPort(data, b.relayed)
			_, _ = b.conn.Read(buf)
		},
	} {
		if got := testing.AllocsPerRun(2000, pass); got != 0 {
			t.Errorf("%s: %v allocations a packet, want none", name, got)
		}
	}
}
