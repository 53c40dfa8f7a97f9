//go:build linux

package rig

import (
	"context"
	"io"
	"os/exec"

	"github.com/sightline-rtc/sightline/test/camera"
)

// Camera is an RTSP server with a live picture, on the camera's host.
type Camera struct {
	*Process
	// URL is the stream as the agent reaches it.
	URL string

	rig     *Rig
	options camera.Options
}

// RTSPCamera starts an RTSP camera on the camera's host, with the usual picture, at port 8554.
func (r *Rig) RTSPCamera(ctx context.Context) (*Camera, error) {
	return r.RTSPCameraWith(ctx, camera.Options{Port: 8554})
}

// RTSPCameraWith starts another kind of RTSP camera on the camera's host.
func (r *Rig) RTSPCameraWith(ctx context.Context, options camera.Options) (*Camera, error) {
	c := &Camera{rig: r, options: options}
	r.onClose(func() error {
		if c.Process != nil {
			c.Kill()
		}
		return nil
	})
	err := c.Start(ctx)
	return c, err
}

// LocalCamera starts a camera on this host, without a rig and on a free port. Its picture moves everywhere and fills the
// 2 Mbit/s, in one slice. The caller kills it.
func LocalCamera(ctx context.Context, log io.Writer) (*Camera, error) {
	c := &Camera{options: camera.Options{Busy: true}}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), camera.Python, c.options.Arguments()...)
	err := c.launch(ctx, cmd, log)
	return c, err
}

// Start starts the camera, the first time or again after it ended, at the same URL.
func (c *Camera) Start(ctx context.Context) error {
	cmd := c.rig.Camera.Command(context.WithoutCancel(ctx), camera.Python, c.options.Arguments()...)
	return c.launch(ctx, cmd, c.rig.Log.from("camera"))
}

func (c *Camera) launch(ctx context.Context, cmd *exec.Cmd, log io.Writer) error {
	var ready struct{ URL string }
	p, err := Launch(ctx, "camera", cmd, log, &ready)
	if err != nil {
		return err
	}
	c.Process, c.URL = p, ready.URL
	return nil
}
