//go:build linux

package e2e

import (
	"bytes"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/matrix"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// Each type of NAT stands before either end at least once: there is always a picture, and it goes direct wherever plain ICE
// can. What is above that is measured (docs/nat.md).
func TestThePictureCrossesEveryTypeOfNAT(t *testing.T) {
	cross(t, matrix.Conditions{}, matrix.Spread(), func(r matrix.Result) bool { return r.Direct() || r.Theory != protocol.MeansICE })
}

// Nothing else than a mapped port makes these pairs direct: both ends are symmetric, or the viewer has no UDP.
func TestMappedPortsMakeThePictureDirect(t *testing.T) {
	cross(t, matrix.Conditions{Mapping: true}, []matrix.Pair{
		{Device: natlab.Symmetric, Viewer: natlab.Symmetric},
		{Device: natlab.PortRestricted, Viewer: natlab.UDPBlocked},
	}, matrix.Result.Direct)
}

func TestIPv6MakesThePictureDirect(t *testing.T) {
	cross(t, matrix.Conditions{IPv6: true}, []matrix.Pair{
		{Device: natlab.CarrierSymmetric, Viewer: natlab.Symmetric},
	}, matrix.Result.Direct)
}

// cross visits pairs. Each must show a picture, on a path that is good.
func cross(t *testing.T, conditions matrix.Conditions, pairs []matrix.Pair, good func(matrix.Result) bool) {
	usable(t)
	stage := need(matrix.Open(t.Context(), conditions))(t)
	t.Cleanup(func() { must(t, stage.Close()) })
	var results []matrix.Result
	for _, p := range pairs {
		r := need(stage.Visit(t.Context(), p))(t)
		r.Run = 1
		results = append(results, r)
		if r.Path == "" || !good(r) {
			t.Errorf("%s to %s: %s", p.Device, p.Viewer, r.Wrong)
			must(t, stage.WriteLog(t.Output()))
		}
	}
	var table bytes.Buffer
	matrix.WriteTable(&table, results)
	matrix.WriteSummary(&table, results)
	t.Log("\n" + table.String())
}
