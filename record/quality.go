package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Quality is what one end of a session has told of it last: nobody checks that it is so. What it counts only grows.
type Quality struct {
	// Told is when it was told; zero means never. Last says that the end told it when its session was over.
	Told time.Time `json:"told,omitzero"`
	Last bool      `json:"last,omitzero"`
	// Frames, Packets and Lost are counted by both ends; what follows up to Dropped by devices: packets sent again, keyframes
	// that the viewer asked for, and pictures left out for it.
	Frames           uint64 `json:"frames,omitzero"`
	Packets          uint64 `json:"packets,omitzero"`
	Lost             uint64 `json:"lost,omitzero"`
	Retransmitted    uint64 `json:"retransmitted,omitzero"`
	KeyframeRequests uint64 `json:"keyframe_requests,omitzero"`
	Dropped          uint64 `json:"dropped,omitzero"`
	// FPS, BitrateKbps, EstimateKbps, RTT and Jitter are those of the newest report.
	FPS          float64       `json:"fps,omitzero"`
	BitrateKbps  float64       `json:"bitrate_kbps,omitzero"`
	EstimateKbps float64       `json:"estimate_kbps,omitzero"`
	RTT          time.Duration `json:"rtt,omitzero"`
	Jitter       time.Duration `json:"jitter,omitzero"`
	// Rendition is what a device sent last.
	Rendition protocol.RenditionName `json:"rendition,omitzero"`
	// Direct and Relay are the time on each path as a device counts it.
	Direct time.Duration `json:"direct,omitzero"`
	Relay  time.Duration `json:"relay,omitzero"`
	// Milestones are when a device got that far in the session.
	Milestones protocol.Milestones `json:"milestones,omitzero"`
}
