package programs

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// allocate asks a relay for an allocation over UDP and leaves it.
func allocate(t *testing.T, at string, c credentialsLine) error {
	t.Helper()
	conn, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return allocateOn(conn, c)
}

// allocateOn asks for an allocation (RFC 8656 section 7): once without credentials, as one must, and once with them.
func allocateOn(conn net.Conn, c credentialsLine) error {
	challenge, err := ask(conn)
	if err != nil {
		return err
	}
	var realm stun.Realm
	var nonce stun.Nonce
	if err := challenge.Parse(&realm, &nonce); err != nil {
		return fmt.Errorf("read the challenge: %w", err)
	}
	if realm.String() != c.Realm {
		return fmt.Errorf("the realm is %q, the credentials say %q", realm, c.Realm)
	}
	response, err := ask(conn, stun.NewUsername(c.Username), realm, nonce, stun.NewLongTermIntegrity(c.Username, c.Realm, c.Password))
	if err != nil {
		return err
	}
	if response.Type.Class != stun.ClassSuccessResponse {
		return fmt.Errorf("the relay answered %s", response)
	}
	return nil
}

func ask(conn net.Conn, auth ...stun.Setter) (*stun.Message, error) {
	udp := stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	request, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udp}, auth...)...)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(request.Raw); err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	buffer := make([]byte, 2048)
	n, err := conn.Read(buffer)
	if err != nil {
		return nil, err
	}
	response := &stun.Message{Raw: buffer[:n]}
	err = response.Decode()
	return response, err
}
