package peer

import (
	"errors"
	"slices"
	"testing"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestRenditionThatTheCameraLacksIsNotFound(t *testing.T) {
	s := open(t, newHost(t), nil)
	if err := s.peer.Choose(protocol.Choice{Rendition: protocol.RenditionSub}); !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		t.Errorf("choose sub: got %v, want not_found", err)
	}
	if err := s.peer.Choose(protocol.Choice{Rendition: protocol.RenditionMain}); err != nil {
		t.Errorf("choose main: %v", err)
	}
}

func TestPictureIsToldWhenItBegins(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v)
	told := make(chan struct{}, 8)
	cancel := s.peer.OnPicture(func() { told <- struct{}{} })
	defer cancel()
	if got := s.peer.Picture().Rendition; got != "" {
		t.Errorf("rendition before the answer: got %q, want none", got)
	}
	s.mustOffer(nil)
	got := s.peer.Picture()
	for ; got.Rendition == ""; got = s.peer.Picture() {
		<-told
	}
	if got.Rendition != protocol.RenditionMain || !got.Auto || !slices.Equal(got.Renditions, []protocol.RenditionName{protocol.RenditionMain}) {
		t.Errorf("picture: got %+v, want main of the device's choice", got)
	}
}

func TestCameraIsHeldWhileTheSessionLives(t *testing.T) {
	held := 0
	camera := cameraOf(media.NewStream(media.Config{}))
	camera.Renditions[0].Hold = func() func() {
		held++
		return func() { held-- }
	}
	s := open(t, newHost(t), nil, func(o *Options) { o.Camera = camera })
	if held != 1 {
		t.Errorf("holds of an open session: got %d, want 1", held)
	}
	s.peer.Close(protocol.ReasonViewerLeft)
	if held != 0 {
		t.Errorf("holds after its end: got %d, want 0", held)
	}
}
