package protocol

import (
	"bytes"
	"encoding/json"
	"math"
	"unicode/utf8"
)

// ControlLabel is the label of the data channel on which a viewer and a device talk without the hub: reliable, ordered,
// made by the viewer in its offer. Its text messages are Controls; its binary ones belong to the ControlOK of a snapshot.
const ControlLabel = "control"

// Limits of the control channel.
const (
	// MaxControlBytes bounds one text message.
	MaxControlBytes = 16 << 10
	// MaxSnapshotBytes bounds a snapshot, SnapshotChunk one binary message of it.
	MaxSnapshotBytes = 1 << 20
	SnapshotChunk    = 16 << 10
	// ControlsPerSecond bounds what a viewer may send; the burst is twice as much.
	ControlsPerSecond = 20
)

// ControlType is the name of a control message.
type ControlType string

// The control messages. Those from the viewer need the right that is named, or view.
const (
	ControlKeyframe  ControlType = "keyframe"  // viewer: send a picture that decoding can start with
	ControlView      ControlType = "view"      // viewer: how large the picture is shown
	ControlRendition ControlType = "rendition" // viewer: send this rendition, or choose by yourself
	ControlPTZ       ControlType = "ptz"       // viewer with control: move the camera
	ControlSnapshot  ControlType = "snapshot"  // viewer: send a still picture
	ControlTalk      ControlType = "talk"      // viewer with talk: my sound is to be heard at the camera, from now or no longer
	ControlStatus    ControlType = "status"    // device: how the camera is; at first and whenever that changes
	ControlOK        ControlType = "ok"        // device: the request Re is done
	ControlError     ControlType = "error"     // device: the request Re is refused
)

// Control is one message of the control channel.
type Control struct {
	Type ControlType `json:"type"`
	// ID names a request, which is answered by ok or error; 0 wants no answer. Re is the ID that an answer is for.
	ID   uint64          `json:"id,omitempty"`
	Re   uint64          `json:"re,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// View says how large a viewer shows the picture, in pixels of its screen. Zero means that it is not to be seen.
type View struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Choice names a rendition; empty leaves the choice to the device.
type Choice struct {
	Rendition RenditionName `json:"rendition,omitempty"`
}

// RenditionName names one of the streams of a camera.
type RenditionName string

// The renditions.
const (
	RenditionMain RenditionName = "main"
	RenditionSub  RenditionName = "sub"
)

// PTZ moves a camera at the given speeds, from -1 to 1: right, up and closer are positive, all zero stops. The device stops by
// itself a second after the last one. Home, which goes alone, takes the camera to its home position.
type PTZ struct {
	Pan  float64 `json:"pan"`
	Tilt float64 `json:"tilt"`
	Zoom float64 `json:"zoom"`
	Home bool    `json:"home,omitempty"`
}

// Talk says whether the viewer's sound is to be heard. One viewer at a time is: others are refused with CodeBusy.
type Talk struct {
	On bool `json:"on"`
}

// Camera is how a camera is, and what it can do for this viewer.
type Camera struct {
	Source SourceState `json:"source"`
	// Why says in words why the source is down, and RetryMS when it is tried again, from now.
	Why     string `json:"why,omitempty"`
	RetryMS int64  `json:"retry_ms,omitempty"`
	// Renditions are those that the viewer can have, the best first; Rendition is the one that it gets, Auto whether the
	// device chooses.
	Renditions []Rendition   `json:"renditions"`
	Rendition  RenditionName `json:"rendition,omitempty"`
	Auto       bool          `json:"auto,omitempty"`
	// Talk, PTZ and Snapshot say what this viewer may ask for and the camera has; Talking that somebody is heard at it.
	Talk     bool `json:"talk,omitempty"`
	PTZ      bool `json:"ptz,omitempty"`
	Snapshot bool `json:"snapshot,omitempty"`
	Talking  bool `json:"talking,omitempty"`
	// Notes are what the viewer does without.
	Notes []Note `json:"notes,omitempty"`
}

// SourceState is where the camera's source stands.
type SourceState string

// The states of a source.
const (
	SourceDialing SourceState = "dialing" // being opened, for the first time or again
	SourceUp      SourceState = "up"      // pictures come
	SourceDown    SourceState = "down"    // lost or not reachable; it is tried again
)

// Rendition is one of the streams of a camera.
type Rendition struct {
	Name   RenditionName `json:"name"`
	Codec  string        `json:"codec"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
	FPS    float64       `json:"fps,omitempty"`
}

// Note tells of something that the camera has and the viewer does without.
type Note struct {
	Code    NoteCode `json:"code"`
	Message string   `json:"message"`
}

// NoteCode is the stable name of a note.
type NoteCode string

// The notes.
const (
	NoteAudioDropped  NoteCode = "audio_dropped"  // the camera's sound is in a format that browsers do not play
	NoteVideoLeftOut  NoteCode = "video_left_out" // a rendition is in a format that this viewer does not play
	NoteSourceQuirk   NoteCode = "source_quirk"   // the source does something that was worked around
	NoteNoBackChannel NoteCode = "no_talk"        // the camera has no way to be talked to
)

// Still answers a request for a snapshot: its bytes follow in binary messages.
type Still struct {
	MediaType string `json:"media_type"`
	Bytes     int    `json:"bytes"`
}

// controls is the table of control messages: the empty body of each, nil where it has none.
var controls = map[ControlType]func() Message{
	ControlKeyframe:  nil,
	ControlView:      func() Message { return &View{} },
	ControlRendition: func() Message { return &Choice{} },
	ControlPTZ:       func() Message { return &PTZ{} },
	ControlSnapshot:  nil,
	ControlTalk:      func() Message { return &Talk{} },
	ControlStatus:    func() Message { return &Camera{} },
	ControlOK:        func() Message { return &Still{} },
	ControlError:     func() Message { return &Error{} },
}

// NewControl makes a control message; the body may be nil for types that have none, and for an ok to anything but a snapshot.
func NewControl(t ControlType, body Message) (Control, error) {
	c := Control{Type: t}
	if body == nil {
		return c, nil
	}
	data, err := marshal(body)
	if err != nil {
		return Control{}, err
	}
	c.Data = data
	return c, nil
}

// Encode returns the message as it goes over the channel. It fails with CodeTooLarge over MaxControlBytes.
func (c *Control) Encode() ([]byte, error) {
	b, err := marshal(c)
	if err != nil {
		return nil, err
	}
	return b, checkControl(b)
}

// DecodeControl reads a control message and the body of its type, which is nil for types without one and where there is none.
// Unknown fields are ignored. It fails with CodeTooLarge, CodeBadMessage or CodeUnknownType; with the last the message is
// returned, so that the request can be answered.
func DecodeControl(b []byte) (Control, Message, error) {
	if err := checkControl(b); err != nil {
		return Control{}, nil, err
	}
	if !utf8.Valid(b) {
		return Control{}, nil, Errorf(CodeBadMessage, "not UTF-8")
	}
	var c Control
	if err := json.Unmarshal(b, &c); err != nil {
		return Control{}, nil, Errorf(CodeBadMessage, "not a control message").Because(err)
	}
	empty, ok := controls[c.Type]
	if !ok {
		return c, nil, Errorf(CodeUnknownType, "unknown control %q", clip(string(c.Type)))
	}
	data := bytes.TrimSpace(c.Data)
	if empty == nil || c.Type == ControlOK && len(data) == 0 {
		return c, nil, nil
	}
	body := empty()
	if len(data) > 0 {
		if err := json.Unmarshal(data, body); err != nil {
			return c, nil, Errorf(CodeBadMessage, "%s: data is not of this message's form", c.Type).Because(err)
		}
	}
	return c, body, body.validate()
}

func checkControl(b []byte) error { return checkSize("control message", len(b), MaxControlBytes) }

// maxScreen is more pixels than any screen has in one direction.
const maxScreen = 1 << 16

func (m *View) validate() error {
	if m.Width < 0 || m.Height < 0 || m.Width > maxScreen || m.Height > maxScreen {
		return Errorf(CodeInvalid, "view: width and height are 0 to %d", maxScreen)
	}
	return nil
}

func (m *Choice) validate() error {
	switch m.Rendition {
	case "", RenditionMain, RenditionSub:
		return nil
	}
	return Errorf(CodeInvalid, "rendition: there are main and sub, not %q", clip(string(m.Rendition)))
}

func (m *PTZ) validate() error {
	for _, speed := range []float64{m.Pan, m.Tilt, m.Zoom} {
		if math.IsNaN(speed) || speed < -1 || speed > 1 {
			return Errorf(CodeInvalid, "ptz: speeds are -1 to 1")
		}
	}
	if m.Home && (m.Pan != 0 || m.Tilt != 0 || m.Zoom != 0) {
		return Errorf(CodeInvalid, "ptz: home goes alone")
	}
	return nil
}

func (m *Talk) validate() error { return nil }

func (m *Camera) validate() error { return nil }

func (m *Still) validate() error {
	if m.Bytes < 0 || m.Bytes > MaxSnapshotBytes {
		return Errorf(CodeTooLarge, "a snapshot of %d bytes is over the limit of %d", m.Bytes, MaxSnapshotBytes)
	}
	return checkSize("media type", len(m.MediaType), MaxNameBytes)
}
