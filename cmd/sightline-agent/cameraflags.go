package main

import (
	"flag"
	"slices"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device"
)

// cameraFlags adds the flags of a camera: of the only one, or of one in the file, where they are keys. What it returns
// reads them.
func cameraFlags(set *flag.FlagSet) func() device.CameraConfig {
	var c device.CameraConfig
	enrol := set.String("enroll", "", "one-time `CODE` with which the camera joins; not needed once it has")
	set.StringVar(&c.Name, "name", "", "`NAME` of the camera, unless the code brings one")
	set.StringVar(&c.Model, "model", "", "`MODEL` of the camera")
	set.StringVar(&c.Source, "source", "test:", "where the picture comes from: test:, file:PATH, exec:COMMAND, rtsp://HOST/PATH or rtsps://HOST/PATH")
	set.StringVar(&c.Sub, "sub", "", "where a smaller picture of the same scene comes from, if there is one: as --source")
	set.StringVar(&c.Talk, "talk", "", "the loudspeaker: exec:`COMMAND`, which gets 16-bit mono samples at 8 kHz on its standard input, or off; that of the source if empty")
	set.StringVar(&c.ONVIF, "onvif", "", "`URL` of the camera's ONVIF device service, http://HOST/onvif/device_service, for stills, movements and keyframes")
	set.StringVar(&c.Snapshot, "snapshot", "", "`URL` of the camera's JPEG, if ONVIF does not say it")
	set.BoolVar(&c.Warm, "warm", false, "keep the sources open while nobody looks")
	set.IntVar(&c.MaxSessions, "max-viewers", 0, "`N` viewers at once, 8 if 0")
	return func() device.CameraConfig {
		c.Enrol = auth.NewSecret(*enrol)
		return c
	}
}

// ofCamera are the names of those flags.
var ofCamera = func() []string {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	cameraFlags(set)
	return flagNames(set)
}()

func flagNames(set *flag.FlagSet) (names []string) {
	set.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return slices.Clip(names)
}
