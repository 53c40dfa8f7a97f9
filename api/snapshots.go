package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
)

// snapshotOutput is a picture as it is: the one body of the API that is no JSON.
type snapshotOutput struct {
	ContentType string    `header:"Content-Type"`
	NoSniff     string    `header:"X-Content-Type-Options"`
	Taken       time.Time `header:"Last-Modified" doc:"When the picture came from the camera"`
	Body        []byte
}

func (a *API) addSnapshots() {
	add(a, huma.Operation{
		OperationID: "get-snapshot", Method: http.MethodGet, Path: "/v1/devices/{device}/snapshot", Tags: []string{"devices"},
		Summary: "Get a still picture of the camera, at most ten seconds old",
		Description: "The camera is asked for one, unless a picture of the last ten seconds is in memory. " +
			"`not_found` means that there is no such device, or that it makes no pictures; `offline` (503) and `timeout` (504) that it cannot be asked now.",
		Responses: map[string]*huma.Response{"200": {
			Description: "A JPEG of at most 1 MiB",
			Content: map[string]*huma.MediaType{
				"image/jpeg": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			},
		}},
	}, a.getSnapshot)
}

func (a *API) getSnapshot(ctx context.Context, in *deviceInput) (*snapshotOutput, error) {
	d, _, err := a.visibleDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	jpeg, at, err := a.config.Snapshots.Snapshot(ctx, d.ID)
	switch {
	case err != nil:
		return nil, err
	case len(jpeg) == 0:
		return nil, protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures")
	}
	return &snapshotOutput{ContentType: "image/jpeg", NoSniff: "nosniff", Taken: at.UTC(), Body: jpeg}, nil
}
