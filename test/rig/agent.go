//go:build linux

package rig

import (
	"context"
	"path/filepath"
)

// Agent is a running agent on the camera's host.
type Agent struct {
	*Process
	// Device is the id that the hub gave it.
	Device string

	rig     *Rig
	hub     *Hub
	name    string
	source  string
	program string
}

type agentReady struct {
	Device string `json:"device"`
}

// Agent enrols a device with the hub and starts its agent. The name tells agents of one rig apart.
func (r *Rig) Agent(ctx context.Context, hub *Hub, name, source string, flags ...string) (*Agent, error) {
	return r.AgentProgram(ctx, hub, name, source, r.program("sightline-agent"), flags...)
}

// AgentProgram is Agent for another build of the program.
func (r *Rig) AgentProgram(ctx context.Context, hub *Hub, name, source, program string, flags ...string) (*Agent, error) {
	code, err := hub.Enrol(ctx, name)
	if err != nil {
		return nil, err
	}
	a := &Agent{rig: r, hub: hub, name: name, source: source, program: program}
	r.onClose(func() error {
		if a.Process != nil {
			a.Kill()
		}
		return nil
	})
	err = a.Start(ctx, append([]string{"--enroll", code}, flags...)...)
	return a, err
}

// Start starts the agent, the first time or again after it ended: with the state that it has.
func (a *Agent) Start(ctx context.Context, flags ...string) error {
	args := append([]string{
		"run", "--hub", a.hub.URL, "--state", filepath.Join(a.rig.scratch, "agent-"+a.name), "--source", a.source,
	}, flags...)
	cmd := a.rig.Camera.Command(context.WithoutCancel(ctx), a.program, args...)
	var ready agentReady
	p, err := Launch(ctx, a.name, cmd, a.rig.Log.from(a.name), &ready)
	if err != nil {
		return err
	}
	a.Process, a.Device = p, ready.Device
	return nil
}
