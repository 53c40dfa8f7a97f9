package peer

import (
	"errors"
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
)

// formats that a session was answered with. No video and no audio means that the track is not sent.
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

// interceptors makes the chain that packets pass on their way out, innermost first: the meter, congestion control
// with the viewer's pacer, the transport-wide sequence number that it needs, the history for retransmissions, and
// sender reports.
func interceptors(m *meter, pacer *media.Pacer, loggers loggers) (*interceptor.Registry, error) {
	congestion, err := cc.NewInterceptor(func() (cc.BandwidthEstimator, error) {
		return gcc.NewSendSideBWE(gcc.SendSideBWEPacer(pacer), gcc.SendSideBWEInitialBitrate(initialBitrate),
			gcc.WithLoggerFactory(loggers))
	})
	if err != nil {
		return nil, fmt.Errorf("make congestion control: %w", err)
	}
	sequence, err := twcc.NewHeaderExtensionInterceptor()
	if err != nil {
		return nil, fmt.Errorf("make transport-wide sequence: %w", err)
	}
	reports, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(loggers))
	if err != nil {
		return nil, fmt.Errorf("make sender reports: %w", err)
	}
	registry := &interceptor.Registry{}
	for _, factory := range []interceptor.Factory{m, congestion, sequence, &retransmit{}, reports} {
		registry.Add(factory)
	}
	return registry, nil
}
