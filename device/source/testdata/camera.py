"""A camera for tests: H.264 and perhaps sound over RTSP, made by GStreamer.

Usage: camera.py PORT SOUND USER PASSWORD, with 0 for any port, "none", "pcma" or "opus", and "" for no credentials.
Prints its port when it is ready.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

port, sound, user, password = sys.argv[1:5]

# 720p30 with a keyframe every 2 s, as network cameras come out of the box.
VIDEO = """
  videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1
  ! x264enc tune=zerolatency speed-preset=superfast key-int-max=60 bitrate=2000
  ! video/x-h264,profile=high ! rtph264pay name=pay0 pt=96
"""
SOUND = {
    "none": "",
    "pcma": "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
    "opus": "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay name=pay1 pt=97",
}
SMALL = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240"
MJPEG = f"( {SMALL} ! jpegenc ! rtpjpegpay name=pay0 )"
H265 = f"( {SMALL} ! x265enc tune=zerolatency speed-preset=ultrafast ! rtph265pay name=pay0 )"

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
for path, launch in (("/live", f"( {VIDEO} {SOUND[sound]} )"), ("/mjpeg", MJPEG), ("/h265", H265)):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    factory.set_shared(True)
    if user:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)
if user:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)  # GST_RTSP_AUTH_DIGEST
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
if server.attach(None) == 0:
    raise SystemExit("the port is taken")
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
