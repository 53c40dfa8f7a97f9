// Package camera starts cameras for tests: GStreamer's RTSP server with one live stream, in a process of its own, which can
// be told to have the habits and faults of real ones.
package camera
