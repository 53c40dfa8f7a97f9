package protocol

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestControlsComeBackAsTheyWent(t *testing.T) {
	for typ, body := range map[ControlType]Message{
		ControlKeyframe:  nil,
		ControlView:      &View{Width: 1280, Height: 720},
		ControlRendition: &Choice{Rendition: RenditionSub},
		ControlPTZ:       &PTZ{Pan: -1, Tilt: 0.5},
		ControlSnapshot:  nil,
		ControlTalk:      &Talk{On: true},
		ControlStatus: &Camera{
			Source: SourceDown, Why: "the camera cannot be reached", RetryMS: 5000, Rendition: RenditionMain, Auto: true,
			Renditions: []Rendition{{Name: RenditionMain, Codec: "H264", Width: 1920, Height: 1080, FPS: 25}},
			Talk:       true, Talking: true, Notes: []Note{{NoteAudioDropped, "the camera's sound is AAC"}},
		},
		ControlOK:    &Still{MediaType: "image/jpeg", Bytes: 4711},
		ControlError: Errorf(CodeBusy, "somebody else is talking"),
	} {
		sent, err := NewControl(typ, body)
		if err != nil {
			t.Fatal(err)
		}
		sent.ID = 7
		text, err := sent.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, gotBody, err := DecodeControl(text)
		if err != nil || got.Type != typ || got.ID != 7 {
			t.Errorf("%s came back as %+v, %v", typ, got, err)
		}
		if diff := cmp.Diff(body, gotBody, cmp.AllowUnexported(Error{})); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
}

func TestControlsThatMakeNoSenseAreRefused(t *testing.T) {
	for text, want := range map[string]Code{
		`{`:                                   CodeBadMessage,
		`{"type":"view","data":{"width":-1}}`: CodeInvalid,
		`{"type":"view","data":[]}`:           CodeBadMessage,
		`{"type":"rendition","data":{"rendition":"4k"}}`: CodeInvalid,
		`{"type":"ptz","data":{"pan":1.5}}`:              CodeInvalid,
		`{"type":"ptz","data":{"pan":1,"home":true}}`:    CodeInvalid,
		`{"type":"ok","data":{"bytes":1048577}}`:         CodeTooLarge,
		`{"type":"reboot","id":3}`:                       CodeUnknownType,
		"\"\xff\"":                                       CodeBadMessage,
		strings.Repeat(" ", MaxControlBytes+1):           CodeTooLarge,
	} {
		var typed *Error
		if _, _, err := DecodeControl([]byte(text)); !errors.As(err, &typed) || typed.Code != want {
			t.Errorf("%.60q gave %v, want %s", text, err, want)
		}
	}
}

func FuzzDecodeControl(f *testing.F) {
	f.Add([]byte(`{"type":"ptz","id":1,"data":{"pan":0.5,"tilt":-0.5,"zoom":0}}`))
	f.Add([]byte(`{"type":"status","data":{"source":"down","renditions":[{"name":"main"}],"notes":[{}]}}`))
	f.Add([]byte(`{"type":"ok","re":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, body, err := DecodeControl(b)
		if err != nil {
			return
		}
		again, err := NewControl(c.Type, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Encode(); err != nil && len(b) < MaxControlBytes/6 {
			t.Fatalf("%q cannot be written again: %v", b, err)
		}
	})
}
