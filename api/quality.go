package api

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Quality is how a session's media went, as one end sees it.
type Quality struct {
	Told             time.Time              `json:"told" doc:"When the end told it"`
	Last             bool                   `json:"last,omitempty" doc:"It was told at the session's end: nothing follows"`
	Frames           uint64                 `json:"frames"`
	Packets          uint64                 `json:"packets"`
	Lost             uint64                 `json:"lost"`
	Retransmitted    uint64                 `json:"retransmitted,omitempty" doc:"Packets that the device sent again"`
	KeyframeRequests uint64                 `json:"keyframe_requests,omitempty" doc:"Keyframes that the viewer asked the device for"`
	Dropped          uint64                 `json:"dropped,omitempty" doc:"Pictures that the device left out because the viewer was too slow"`
	FPS              float64                `json:"fps,omitempty"`
	BitrateKbps      float64                `json:"bitrate_kbps,omitempty"`
	EstimateKbps     float64                `json:"estimate_kbps,omitempty" doc:"What the path carries at the least, as the device estimates it"`
	RTTMS            float64                `json:"rtt_ms,omitempty"`
	JitterMS         float64                `json:"jitter_ms,omitempty"`
	Rendition        protocol.RenditionName `json:"rendition,omitempty" doc:"What the device sent last: main or sub; there may be more one day"`
	DirectS          float64                `json:"direct_s,omitempty" doc:"Seconds on the direct path, as the device counts them"`
	RelayS           float64                `json:"relay_s,omitempty" doc:"Seconds on the relay, as the device counts them"`
	Milestones       *Milestones            `json:"milestones,omitempty" doc:"When the device got that far, in milliseconds from its invite"`
}

// Milestones are when a session got that far.
type Milestones struct {
	OfferMS    float64 `json:"offer_ms,omitempty" doc:"The device had the viewer's offer"`
	AnswerMS   float64 `json:"answer_ms,omitempty" doc:"It answered"`
	ICEMS      float64 `json:"ice_ms,omitempty" doc:"There was a path"`
	DTLSMS     float64 `json:"dtls_ms,omitempty" doc:"The path was encrypted"`
	KeyframeMS float64 `json:"keyframe_ms,omitempty" doc:"The first keyframe was sent"`
}

// quality is nil where the end has told nothing.
func quality(q record.Quality) *Quality {
	if q.Told.IsZero() {
		return nil
	}
	out := &Quality{
		Told: q.Told, Last: q.Last, Frames: q.Frames, Packets: q.Packets, Lost: q.Lost,
		Retransmitted: q.Retransmitted, KeyframeRequests: q.KeyframeRequests, Dropped: q.Dropped,
		FPS: q.FPS, BitrateKbps: q.BitrateKbps, EstimateKbps: q.EstimateKbps, RTTMS: milliseconds(q.RTT), JitterMS: milliseconds(q.Jitter),
		Rendition: q.Rendition, DirectS: q.Direct.Seconds(), RelayS: q.Relay.Seconds(),
	}
	if q.Milestones != (protocol.Milestones{}) {
		milestones := Milestones(q.Milestones)
		out.Milestones = &milestones
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
