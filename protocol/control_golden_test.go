package protocol

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenControls holds one or more messages of every control. Clients in other languages are tested against the same files.
var goldenControls = map[string]struct {
	control Control
	body    Message
}{
	"keyframe":       {Control{Type: ControlKeyframe}, nil},
	"view":           {Control{Type: ControlView}, &View{Width: 1280, Height: 720}},
	"view_hidden":    {Control{Type: ControlView}, &View{}},
	"rendition":      {Control{Type: ControlRendition, ID: 1}, &Choice{Rendition: RenditionSub}},
	"rendition_auto": {Control{Type: ControlRendition, ID: 2}, &Choice{}},
	"ptz":            {Control{Type: ControlPTZ}, &PTZ{Pan: -0.5, Zoom: 1}},
	"ptz_home":       {Control{Type: ControlPTZ, ID: 3}, &PTZ{Home: true}},
	"snapshot":       {Control{Type: ControlSnapshot, ID: 4}, nil},
	"talk":           {Control{Type: ControlTalk, ID: 5}, &Talk{On: true}},
	"status": {Control{Type: ControlStatus}, &Camera{
		Source: SourceUp, Rendition: RenditionSub, Auto: true, Talk: true, PTZ: true, Snapshot: true, Talking: true,
		Renditions: []Rendition{
			{Name: RenditionMain, Codec: "H264", Width: 1920, Height: 1080, FPS: 25},
			{Name: RenditionSub, Codec: "H264", Width: 640, Height: 360},
		},
		Notes: []Note{{NoteAudioDropped, "the camera's sound is AAC, which browsers do not play"}},
	}},
	"status_down": {Control{Type: ControlStatus}, &Camera{
		Source: SourceDown, Why: "nothing answers at 192.0.2.7:554", RetryMS: 4000, Renditions: []Rendition{},
	}},
	"ok":       {Control{Type: ControlOK, Re: 1}, nil},
	"ok_still": {Control{Type: ControlOK, Re: 4}, &Still{MediaType: "image/jpeg", Bytes: 48213}},
	"error":    {Control{Type: ControlError, Re: 5}, &Error{Code: CodeBusy, Message: "somebody else is talking"}},
}

func TestEveryControlHasAGoldenMessage(t *testing.T) {
	seen := map[ControlType]bool{}
	for _, g := range goldenControls {
		seen[g.control.Type] = true
	}
	for typ := range controls {
		if !seen[typ] {
			t.Errorf("no golden message of control %q", typ)
		}
	}
}

func TestGoldenControlsReadAndWriteTheSame(t *testing.T) {
	for name, g := range goldenControls {
		t.Run(name, func(t *testing.T) {
			control, err := NewControl(g.control.Type, g.body)
			if err != nil {
				t.Fatal(err)
			}
			control.ID, control.Re = g.control.ID, g.control.Re
			compact, err := control.Encode()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "control", name+".json")
			if *update {
				write(t, file, compact)
			}
			want, err := os.ReadFile(file) //nolint:gosec // names come from this file
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(compacted(t, want), string(compact)); diff != "" {
				t.Errorf("encoding differs from %s (-want +got):\n%s", file, diff)
			}
			got, body, err := DecodeControl(want)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if got.Type != control.Type || got.ID != control.ID || got.Re != control.Re {
				t.Errorf("got %+v, want %+v", got, control)
			}
			if diff := cmp.Diff(g.body, body, ignorePrivate); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestControlTestdataHoldsNoStrayFile(t *testing.T) {
	files, err := filepath.Glob("testdata/control/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(goldenControls) {
		t.Errorf("testdata/control has %d messages, this file has %d", len(files), len(goldenControls))
	}
}

// write writes a golden message, indented for people.
func write(t *testing.T, file string, compact []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// compacted returns a golden message as it goes over the wire.
func compacted(t *testing.T, pretty []byte) string {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, pretty); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}
