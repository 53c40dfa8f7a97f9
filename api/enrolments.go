package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Enrolment is a code as partners see it, without the code.
type Enrolment struct {
	ID      string            `json:"id"`
	Name    string            `json:"name" doc:"The name that the device gets; in a batch, that of devices that bring none, with their number behind it"`
	Count   int               `json:"count" doc:"How many devices the code is for"`
	Made    int               `json:"made" doc:"How many have joined with it"`
	Models  []string          `json:"models,omitempty" nullable:"false" doc:"The models that may join; absent: any"`
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires"`
	Device  protocol.DeviceID `json:"device,omitempty" doc:"Who used the code last"`
	Used    time.Time         `json:"used,omitzero" doc:"When"`
}

type (
	enrolmentInput struct {
		ID string `path:"enrolment" maxLength:"64"`
	}
	createEnrolmentInput struct {
		Body struct {
			Name       string   `json:"name,omitempty" maxLength:"128" doc:"The name that the device gets; without it, the one it brings. In a batch, that of devices that bring none"`
			Count      int      `json:"count,omitempty" minimum:"1" maximum:"100000" default:"1" doc:"How many devices may join with the code"`
			TTLSeconds int      `json:"ttl_s,omitempty" minimum:"60" maximum:"2592000" default:"86400" doc:"How long the code is good"`
			Models     []string `json:"models,omitempty" minItems:"1" maxItems:"32" nullable:"false" doc:"The models that may join, as the devices name them; absent: any"`
		}
	}
	createEnrolmentOutput struct {
		Body struct {
			Enrolment
			Code string `json:"code" doc:"The code. It is shown this once" example:"7K3M-Q9ZD-0TVB-5HXE"`
		}
	}
	enrolmentOutput struct {
		Body Enrolment
	}
	enrolmentsInput struct {
		Page
	}
	enrolmentDevicesInput struct {
		ID string `path:"enrolment" maxLength:"64"`
		Page
	}
	// EnrolledDevice is a device that joined with a code.
	EnrolledDevice struct {
		ID      protocol.DeviceID `json:"id"`
		Name    string            `json:"name"`
		Model   string            `json:"model"`
		Created time.Time         `json:"created"`
		Deleted time.Time         `json:"deleted,omitzero"`
	}
	enrolmentDevicesOutput struct {
		Body struct {
			Devices    []EnrolledDevice `json:"devices" nullable:"false"`
			NextCursor string           `json:"next_cursor,omitempty"`
		}
	}
	enrolmentsOutput struct {
		Body struct {
			Enrolments []Enrolment `json:"enrolments" nullable:"false"`
			NextCursor string      `json:"next_cursor,omitempty"`
		}
	}
	enrolInput struct {
		Body struct {
			Code      string `json:"code" maxLength:"64" doc:"The enrolment code, in whatever case and grouping it was typed"`
			PublicKey []byte `json:"public_key" minLength:"44" maxLength:"44" doc:"The device's Ed25519 public key, 32 bytes in base64"`
			Name      string `json:"name,omitempty" maxLength:"128" doc:"What the device is called if the enrolment does not say"`
			Model     string `json:"model,omitempty" maxLength:"128"`
		}
	}
	enrolOutput struct {
		Body struct {
			Device  protocol.DeviceID  `json:"device"`
			Project protocol.ProjectID `json:"project"`
			Name    string             `json:"name"`
		}
	}
)

func (a *API) addEnrolments() {
	add(a, huma.Operation{
		OperationID: "create-enrolment", Method: http.MethodPost, Path: "/v1/enrolments", Tags: []string{"enrolments"},
		Summary: "Make a code with which a device joins the project, or a batch of them from a production line", DefaultStatus: http.StatusCreated, Metadata: repeatable,
	}, a.createEnrolment)
	add(a, huma.Operation{
		OperationID: "list-enrolments", Method: http.MethodGet, Path: "/v1/enrolments", Tags: []string{"enrolments"},
		Summary: "List the enrolments, the newest first",
	}, a.listEnrolments)
	add(a, huma.Operation{
		OperationID: "get-enrolment", Method: http.MethodGet, Path: "/v1/enrolments/{enrolment}", Tags: []string{"enrolments"},
		Summary: "Get an enrolment, with how many devices have joined",
	}, a.getEnrolment)
	add(a, huma.Operation{
		OperationID: "list-enrolment-devices", Method: http.MethodGet, Path: "/v1/enrolments/{enrolment}/devices", Tags: []string{"enrolments"},
		Summary: "List the devices that joined with a code, deleted ones too, the newest first",
	}, a.listEnrolmentDevices)
	add(a, huma.Operation{
		OperationID: "delete-enrolment", Method: http.MethodDelete, Path: "/v1/enrolments/{enrolment}", Tags: []string{"enrolments"},
		Summary: "Make a code useless; the devices that have used it stay",
	}, a.deleteEnrolment)
	addOpen(a, huma.Operation{
		OperationID: "enroll", Method: http.MethodPost, Path: "/v1/enroll", Tags: []string{"enrolments"},
		Summary:     "Join a project with a code",
		Description: "For devices. The same code with the same public key gives the same device again, so a request may be repeated.",
		Middlewares: huma.Middlewares{a.limitEnrols},
	}, a.enrol)
}

func (a *API) createEnrolment(ctx context.Context, in *createEnrolmentInput) (*createEnrolmentOutput, error) {
	life := time.Duration(in.Body.TTLSeconds) * time.Second
	e, code, err := a.config.Enrolments.CreateEnrolment(ctx, record.Enrolment{
		Project: keyOf(ctx).Project, Name: in.Body.Name, Count: in.Body.Count, Models: distinct(in.Body.Models),
	}, life)
	if err != nil {
		return nil, err
	}
	out := &createEnrolmentOutput{}
	out.Body.Enrolment, out.Body.Code = enrolment(e), code.Reveal()
	return out, nil
}

func (a *API) listEnrolments(ctx context.Context, in *enrolmentsInput) (*enrolmentsOutput, error) {
	list, next, err := a.config.Enrolments.Enrolments(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &enrolmentsOutput{}
	out.Body.Enrolments, out.Body.NextCursor = each(list, enrolment), next
	return out, nil
}

func (a *API) getEnrolment(ctx context.Context, in *enrolmentInput) (*enrolmentOutput, error) {
	e, err := a.config.Enrolments.Enrolment(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &enrolmentOutput{Body: enrolment(e)}, nil
}

func (a *API) listEnrolmentDevices(ctx context.Context, in *enrolmentDevicesInput) (*enrolmentDevicesOutput, error) {
	list, next, err := a.config.Enrolments.EnrolmentDevices(ctx, keyOf(ctx).Project, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &enrolmentDevicesOutput{}
	out.Body.Devices, out.Body.NextCursor = each(list, enrolledDevice), next
	return out, nil
}

func enrolledDevice(d record.Device) EnrolledDevice {
	return EnrolledDevice{ID: d.ID, Name: d.Name, Model: d.Model, Created: d.Created, Deleted: d.Revoked}
}

func (a *API) deleteEnrolment(ctx context.Context, in *enrolmentInput) (*struct{}, error) {
	return nil, a.config.Enrolments.DeleteEnrolment(ctx, keyOf(ctx).Project, in.ID)
}

func (a *API) enrol(ctx context.Context, in *enrolInput) (*enrolOutput, error) {
	d, err := a.config.Enrolments.Enrol(ctx, in.Body.Code, in.Body.PublicKey, in.Body.Name, in.Body.Model)
	if err != nil {
		return nil, err
	}
	out := &enrolOutput{}
	out.Body.Device, out.Body.Project, out.Body.Name = d.ID, d.Project, d.Name
	a.log.Info("device enrolled", "device", d.ID, "project", d.Project)
	return out, nil
}

func enrolment(e record.Enrolment) Enrolment {
	return Enrolment{
		ID: e.ID, Name: e.Name, Count: e.Count, Made: e.Made, Models: e.Models, Created: e.Created, Expires: e.Expires,
		Device: e.Device, Used: e.Used,
	}
}
