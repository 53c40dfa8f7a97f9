package peer

import (
	"net"
	"testing"
	"time"
)

func TestSocketToARelayHearsNobodyElse(t *testing.T) {
	network, err := newRelayNetwork(nil)
	if err != nil {
		t.Fatal(err)
	}
	open := func() net.PacketConn {
		conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	server, stranger := open(), open()
	socket, err := network.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := socket.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := socket.WriteTo([]byte("allocate"), server.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	for from, words := range map[net.PacketConn]string{stranger: "a request", server: "a response"} {
		if _, err := from.WriteTo([]byte(words), socket.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	n, from, err := socket.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "a response" || from.String() != server.LocalAddr().String() {
		t.Errorf("got %q from %v, %v, want the server's response alone", buf[:n], from, err)
	}
	if err := socket.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, from, err := socket.ReadFrom(buf); err == nil {
		t.Errorf("got %q from %v, want nothing more", buf[:n], from)
	}
}
