package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestADeviceIsSharedWithSoManyProjects(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		device := enrol(t, s, protocol.DefaultProject)
		share := func(n int) (record.DeviceGrant, error) {
			viewer := protocol.ProjectID(fmt.Sprint("viewer", n))
			must(s.CreateProject(t.Context(), viewer, ""))(t)
			return s.CreateDeviceGrant(t.Context(), record.DeviceGrant{
				Device: device.ID, Owner: protocol.DefaultProject, Viewer: viewer, Rights: []protocol.Right{protocol.RightView}, Pays: record.PayerViewer,
			})
		}
		var last record.DeviceGrant
		for n := range maxDeviceGrants {
			last = must(share(n))(t)
		}
		_, err := share(maxDeviceGrants)
		wantCode(t, err, protocol.CodeQuota)
		if err := s.EndDeviceGrant(t.Context(), protocol.DefaultProject, last.ID); err != nil {
			t.Fatal(err)
		}
		must(share(maxDeviceGrants + 1))(t)
	})
}

func TestACodeIsForSoManyDevicesAndModels(t *testing.T) {
	s, _ := newStore(t, inDirectory(t))
	models := slices.Repeat([]string{"T1000"}, maxModels)
	for _, test := range []struct {
		count  int
		models []string
		good   bool
	}{
		{maxBatchDevices, models, true},
		{maxBatchDevices + 1, nil, false},
		{1, append(models, "T2000"), false},
	} {
		_, _, err := s.CreateEnrolment(t.Context(), record.Enrolment{Project: protocol.DefaultProject, Count: test.count, Models: test.models}, 0)
		if !test.good {
			wantCode(t, err, protocol.CodeInvalid)
		} else if err != nil {
			t.Errorf("%d devices of %d models: %v", test.count, len(test.models), err)
		}
	}
}
