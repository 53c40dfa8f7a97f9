// Package onvif asks a camera's web server for what RTSP does not bring: still pictures, movements and keyframes, over the
// SOAP of ONVIF's Core, Media and PTZ specifications. Only the configured host is ever called, whatever the camera answers.
package onvif
