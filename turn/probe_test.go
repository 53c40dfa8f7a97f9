package turn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// answering serves STUN on a socket that drops the first packets, and tells where it is.
func answering(t *testing.T, drop int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for seen := 0; ; seen++ {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: buffer[:n]}
			if seen < drop || request.Decode() != nil {
				continue
			}
			udp, _ := from.(*net.UDPAddr)
			response := stun.MustBuild(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: udp.IP, Port: udp.Port})
			if _, err := conn.WriteTo(response.Raw, from); err != nil {
				return
			}
		}
	}()
	return conn.LocalAddr().String()
}

func TestProbeTellsTheMappedAddressDespiteLoss(t *testing.T) {
	got, err := Probe(t.Context(), "turn:"+answering(t, 1)+"?transport=udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Addr() != netip.MustParseAddr("127.0.0.1") || got.Port() == 0 {
		t.Errorf("got the mapped address %s, want one of loopback", got)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, uri := range []string{
		"turn:" + answering(t, 1000) + "?transport=udp",
		"turn:" + silent.Addr().String() + "?transport=tcp",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := Probe(ctx, uri, nil)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "nothing came back") {
			t.Errorf("%s: got %v, want that nothing came back", uri, err)
		}
	}
}

func TestProbeOverTCPAsksAServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			served <- err
			return
		}
		defer conn.Close()
		buffer := make([]byte, 1500)
		n, err := conn.Read(buffer)
		request := &stun.Message{Raw: buffer[:n]}
		if err = errors.Join(err, request.Decode()); err == nil {
			response := stun.MustBuild(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(192, 0, 2, 1), Port: 7})
			_, err = conn.Write(response.Raw)
		}
		served <- err
	}()
	got, err := Probe(t.Context(), "turn:"+listener.Addr().String()+"?transport=tcp", nil)
	if err := errors.Join(err, <-served); err != nil {
		t.Fatal(err)
	}
	if want := netip.MustParseAddrPort("192.0.2.1:7"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
