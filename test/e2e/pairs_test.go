//go:build linux

package e2e

import (
	"bytes"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/matrix"
)

// Each type of NAT stands before either end at least once: there is always a picture, and it goes direct wherever plain ICE
// can. What is above that is measured (docs/nat.md).
func TestThePictureCrossesEveryTypeOfNAT(t *testing.T) {
	usable(t)
	stage := need(matrix.Open(t.Context(), matrix.Conditions{}))(t)
	t.Cleanup(func() { must(t, stage.Close()) })
	var results []matrix.Result
	for _, p := range matrix.Spread() {
		r := need(stage.Visit(t.Context(), p))(t)
		r.Run = 1
		results = append(results, r)
		if r.Path == "" || r.Theory == protocol.MeansICE && !r.Direct() {
			t.Errorf("%s to %s: %s", p.Device, p.Viewer, r.Wrong)
			must(t, stage.WriteLog(t.Output()))
		}
	}
	var table bytes.Buffer
	matrix.WriteTable(&table, results)
	matrix.WriteSummary(&table, results)
	t.Log("\n" + table.String())
}
