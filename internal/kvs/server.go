package kvs

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Server is an ICE server as KVS' GetIceServerConfig lists them.
type Server struct {
	Password string   `json:"Password,omitempty"`
	TTL      int      `json:"Ttl"` // seconds
	URIs     []string `json:"Uris"`
	Username string   `json:"Username,omitempty"`
}

// Servers is the answer of GetIceServerConfig.
type Servers struct {
	List []Server `json:"IceServerList"`
}

// ServersOf returns ICE servers in KVS' words, whose credentials live that long.
func ServersOf(servers []protocol.ICEServer, life time.Duration) []Server {
	list := make([]Server, 0, len(servers))
	for _, s := range servers {
		list = append(list, Server{Password: s.Credential, TTL: int(life / time.Second), URIs: s.URLs, Username: s.Username})
	}
	return list
}
