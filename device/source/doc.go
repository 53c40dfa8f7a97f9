// Package source is where pictures come from: the test picture, a file, or a camera over RTSP. A Source is one way to
// get them; a Feed keeps a source alive while somebody looks. What happens to the pictures belongs to package media.
package source
