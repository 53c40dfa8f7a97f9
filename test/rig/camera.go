//go:build linux

package rig

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
)

// python is Debian's own: the GStreamer bindings are installed for no other.
const python = "/usr/bin/python3"

// Camera is an RTSP server with a live H.264 picture: 1280x720 at 30 frames a second, a keyframe every two seconds,
// about 2 Mbit/s, the running time in digits in the upper left corner.
type Camera struct {
	*Process
	// URL is the stream as the agent reaches it.
	URL string

	rig *Rig
}

// RTSPCamera starts an RTSP camera on the camera's host.
func (r *Rig) RTSPCamera(ctx context.Context) (*Camera, error) {
	c := &Camera{rig: r}
	r.onClose(func() error {
		if c.Process != nil {
			c.Kill()
		}
		return nil
	})
	err := c.Start(ctx)
	return c, err
}

// LocalCamera starts such a camera on this host, without a rig and on a free port. Its picture moves everywhere and fills
// the 2 Mbit/s, in one slice. The caller kills it.
func LocalCamera(ctx context.Context, log io.Writer) (*Camera, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), python, cameraScript(root), "0", "busy")
	c := &Camera{}
	err = c.launch(ctx, cmd, log)
	return c, err
}

func cameraScript(root string) string {
	return filepath.Join(root, "test", "rig", "testdata", "camera.py")
}

// Start starts the camera, the first time or again after it ended, at the same URL.
func (c *Camera) Start(ctx context.Context) error {
	cmd := c.rig.Camera.Command(context.WithoutCancel(ctx), python, cameraScript(c.rig.root))
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
