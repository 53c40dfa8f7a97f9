package protocol

// Transport is what carries a link: one of the doors. The standard doors speak for viewers that have no link.
type Transport string

// The transports.
const (
	TransportWebSocket Transport = "websocket" // GET /v1/link
	TransportLongPoll  Transport = "long_poll" // POST /v1/link/send and /v1/link/poll
	TransportWHEP      Transport = "whep"      // POST /v1/devices/{device}/whep
	TransportKVS       Transport = "kvs"       // GET /v1/kvs/{device}
	TransportREST      Transport = "rest"      // POST /v1/sessions
)

// Standard reports whether a door speaks another protocol than this one, for viewers that have no link.
func (t Transport) Standard() bool {
	return t == TransportWHEP || t == TransportKVS || t == TransportREST
}

// Fallback says why a link is not on a WebSocket.
type Fallback struct {
	Reason FallbackReason `json:"reason"`
	// Detail is for people who look for the fault, such as "HTTP 200 from nginx/1.18"; it may be empty.
	Detail string `json:"detail,omitempty"`
}

// FallbackReason is what the client saw of the WebSockets that failed.
type FallbackReason string

// The reasons of a fallback.
const (
	FallbackStatus        FallbackReason = "status"         // something in between answered the upgrade
	FallbackRefused       FallbackReason = "refused"        // the hub itself refused the upgrade
	FallbackSilent        FallbackReason = "silent"         // the socket opened and brought no welcome
	FallbackIntercepted   FallbackReason = "intercepted"    // TLS ended at an authority that the client does not know
	FallbackCaptivePortal FallbackReason = "captive_portal" // a redirect or a page from something in between
	FallbackUnreachable   FallbackReason = "unreachable"    // no connection, while plain requests work
	FallbackCut           FallbackReason = "cut"            // several sockets in a row were lost soon after their welcome
	FallbackUnknown       FallbackReason = "unknown"        // the client cannot tell, as in a browser
)

// Known reports whether this version knows the reason.
func (r FallbackReason) Known() bool {
	switch r {
	case FallbackStatus, FallbackRefused, FallbackSilent, FallbackIntercepted, FallbackCaptivePortal,
		FallbackUnreachable, FallbackCut, FallbackUnknown:
		return true
	}
	return false
}

// MaxFallbackDetailBytes bounds the detail of a fallback.
const MaxFallbackDetailBytes = 200

func (f *Fallback) validate() error {
	if !f.Reason.Known() {
		return Errorf(CodeBadMessage, "unknown reason of a fallback %q", clip(string(f.Reason)))
	}
	return checkSize("fallback detail", len(f.Detail), MaxFallbackDetailBytes)
}
