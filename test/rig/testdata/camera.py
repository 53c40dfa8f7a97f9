"""A camera for tests: one live H.264 stream over RTSP, made by GStreamer. Prints its URL as JSON when it is ready.

Its arguments are the port, 8554 if there is none and a free one if it is 0, and "busy" for a picture that moves
everywhere: it fills its 2 Mbit/s, and is encoded in one slice, as network cameras do.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# What common network cameras send: 720p30, a keyframe every 2 s (60 frames), about 2 Mbit/s, High profile without
# B-frames. The clock stands in the upper left corner on a black ground.
STREAM = """(
  videotestsrc is-live=true PATTERN
  ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1
  ! timeoverlay halignment=left valignment=top xpad=20 ypad=20 shaded-background=true font-desc="Sans Bold 36"
  ! x264enc tune=zerolatency speed-preset=superfast key-int-max=60 bitrate=2000 SLICES
  ! video/x-h264,profile=high
  ! rtph264pay name=pay0 pt=96 config-interval=1
)"""
BUSY = "busy" in sys.argv
STREAM = STREAM.replace("PATTERN", "pattern=zone-plate kx2=12 ky2=12 kt=2" if BUSY else "pattern=ball")
STREAM = STREAM.replace("SLICES", "sliced-threads=false threads=1" if BUSY else "")

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1] if len(sys.argv) > 1 else "8554")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(STREAM)
factory.set_shared(True)  # one encoder, however many read
server.get_mount_points().add_factory("/camera", factory)
if server.attach(None) == 0:
    raise SystemExit("the port is taken")
print(json.dumps({"ready": True, "url": f"rtsp://127.0.0.1:{server.get_bound_port()}/camera"}), flush=True)
GLib.MainLoop().run()
