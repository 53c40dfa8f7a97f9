package protocol

// Reason says why a session ended. The list is closed and the same in the link, the API, events and the page.
type Reason string

// The end reasons.
const (
	ReasonViewerLeft    Reason = "viewer_left"
	ReasonDeviceLeft    Reason = "device_left"
	ReasonDeviceOffline Reason = "device_offline"
	ReasonICEFailed     Reason = "ice_failed"
	ReasonTimeout       Reason = "timeout"
	ReasonClosedByAPI   Reason = "closed_by_api"
	ReasonRevoked       Reason = "revoked"
	ReasonExpired       Reason = "expired"
	ReasonQuota         Reason = "quota"
	ReasonBusy          Reason = "busy"
	ReasonCodec         Reason = "codec"
	ReasonPrivacy       Reason = "privacy"
	ReasonSuperseded    Reason = "superseded"
	ReasonUnknown       Reason = "unknown"
	ReasonInternal      Reason = "internal"
)

// Reasons lists every end reason.
var Reasons = []Reason{
	ReasonViewerLeft, ReasonDeviceLeft, ReasonDeviceOffline, ReasonICEFailed, ReasonTimeout, ReasonClosedByAPI,
	ReasonRevoked, ReasonExpired, ReasonQuota, ReasonBusy, ReasonCodec, ReasonPrivacy, ReasonSuperseded,
	ReasonUnknown, ReasonInternal,
}

// Valid reports whether the reason is in the list.
func (r Reason) Valid() bool {
	for _, known := range Reasons {
		if r == known {
			return true
		}
	}
	return false
}

// ReasonFor returns the end reason that tells of a device's refusal.
func ReasonFor(code Code) Reason {
	switch code {
	case CodeBusy, CodeFull:
		return ReasonBusy
	case CodeCodec:
		return ReasonCodec
	case CodeOffline:
		return ReasonDeviceOffline
	case CodeExpired:
		return ReasonExpired
	case CodeRevoked, CodeForbidden:
		return ReasonRevoked
	case CodeQuota:
		return ReasonQuota
	case CodeTimeout:
		return ReasonTimeout
	default:
		return ReasonInternal
	}
}
