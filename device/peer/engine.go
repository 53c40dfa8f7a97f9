package peer

import (
	"errors"
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
)

// formatsChosen are those that a session was answered with. No video and no audio means that the track is not sent.
type formatsChosen struct {
	video []webrtc.RTPCodecParameters // the agreed format and, if the viewer has it, RTX
	audio *webrtc.RTPCodecParameters
	// agreed is what video was chosen by, sound what audio was.
	agreed media.Agreement
	sound  media.AudioFormat
}

// engine makes the media engine that can say exactly what was chosen.
func (f formatsChosen) engine() (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	var errs []error
	transportCC := webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}
	for _, codec := range f.video {
		errs = append(errs, engine.RegisterCodec(codec, webrtc.RTPCodecTypeVideo))
	}
	if len(f.video) > 0 {
		errs = append(errs, engine.RegisterHeaderExtension(transportCC, webrtc.RTPCodecTypeVideo))
	}
	if f.audio != nil {
		errs = append(errs, engine.RegisterCodec(*f.audio, webrtc.RTPCodecTypeAudio),
			engine.RegisterHeaderExtension(transportCC, webrtc.RTPCodecTypeAudio))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register codecs: %w", err)
	}
	return engine, nil
}

// interceptors makes the chain that packets pass on their way out, innermost first: the meter, the transport-wide sequence
// number and the estimate of the path that comes of it, the history for retransmissions, and sender reports.
func interceptors(m *meter, path *pathMeter, history *retransmit, loggers loggers) (*interceptor.Registry, error) {
	reports, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(loggers))
	if err != nil {
		return nil, fmt.Errorf("make sender reports: %w", err)
	}
	registry := &interceptor.Registry{}
	for _, factory := range []interceptor.Factory{m, path, history, reports} {
		registry.Add(factory)
	}
	return registry, nil
}
