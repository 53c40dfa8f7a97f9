"""A camera for tests: one live stream over RTSP, made by GStreamer.

Usage: camera.py OPTIONS, a JSON object as package camera writes it. Prints its URL as JSON when it is ready.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

options = json.loads(sys.argv[1])


def option(name, default):
    return options.get(name) or default


# What common network cameras send unless told otherwise: 720p30, a keyframe every 2 s (60 frames), about 2 Mbit/s, High
# profile without B-frames. The clock stands in the upper left corner on a black ground.
width, height = option("width", 1280), option("height", 720)
gop, bitrate, b_frames = option("gop", 60), option("bitrate", 2000), option("b_frames", 0)

x264_speed = f"b-adapt=false bframes={b_frames} speed-preset=ultrafast" if b_frames else "tune=zerolatency speed-preset=superfast"
if options.get("busy"):
    x264_speed += " sliced-threads=false threads=1"
CODECS = {
    "h264": f"x264enc name=encoder {x264_speed} key-int-max={gop} bitrate={bitrate}"
    f" ! video/x-h264,profile={option('profile', 'high')}"
    " ! identity name=tap ! rtph264pay name=pay0 pt=96 config-interval=" + ("0" if options.get("sets_in_sdp") else "-1"),
    "h265": f"x265enc name=encoder tune=zerolatency speed-preset=ultrafast key-int-max={gop} bitrate={bitrate}"
    " ! h265parse ! identity name=tap ! rtph265pay name=pay0 pt=96 config-interval=" + ("0" if options.get("sets_in_sdp") else "-1"),
    "vp8": f"vp8enc name=encoder deadline=1 cpu-used=8 keyframe-max-dist={gop} target-bitrate={bitrate}000"
    " ! identity name=tap ! rtpvp8pay name=pay0 pt=96",
    "vp9": f"vp9enc name=encoder deadline=1 cpu-used=8 keyframe-max-dist={gop} target-bitrate={bitrate}000"
    " ! identity name=tap ! rtpvp9pay name=pay0 pt=96",
    "mjpeg": "jpegenc name=encoder ! identity name=tap ! rtpjpegpay name=pay0",
}
SOUNDS = {
    "": "",
    "pcma": "rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8",
    "pcmu": "rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0",
    "opus": "rate=48000,channels=2 ! opusenc ! rtpopuspay name=pay1 pt=97",
    "aac": "rate=16000,channels=1 ! avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "l16": "rate=16000,channels=1 ! rtpL16pay name=pay1 pt=97",
}
sound = SOUNDS[option("sound", "")]
if sound:
    sound = "audiotestsrc is-live=true ! audioconvert ! audio/x-raw," + sound
PATTERN = "pattern=zone-plate kx2=12 ky2=12 kt=2" if options.get("busy") else "pattern=ball"
STREAM = f"""(
  videotestsrc is-live=true {PATTERN}
  ! capsfilter name=size caps=video/x-raw,format=I420,width={width},height={height},framerate=30/1
  ! timeoverlay halignment=left valignment=top xpad=20 ypad=20 shaded-background=true font-desc="Sans Bold 36"
  ! {CODECS[option("codec", "h264")]}
  {sound}
)"""

SILENT, KEYLESS = Gst.PadProbeReturn.DROP, Gst.BufferFlags.DELTA_UNIT


def unseekable(_pad, info):
    """Refuses the question whether one can go back in time: a live picture's source must not say that it can."""
    seeking = info.get_query().type == Gst.QueryType.SEEKING
    return SILENT if seeking else Gst.PadProbeReturn.OK


def configure(_factory, media):
    """Gives a stream its faults, when its first viewer asks for it."""
    element = media.get_element()
    element.get_by_name("tap").get_static_pad("src").add_probe(Gst.PadProbeType.QUERY_UPSTREAM, unseekable)

    def after(name, do):
        if options.get(name):
            GLib.timeout_add(options[name], do)

    def stall():
        for name in ("pay0", "pay1"):
            pay = element.get_by_name(name)
            if pay:
                pay.get_static_pad("src").add_probe(Gst.PadProbeType.DATA_DOWNSTREAM, lambda *_: SILENT)

    def resize():
        caps = Gst.Caps.from_string(f"video/x-raw,format=I420,width={width // 2},height={height // 2},framerate=30/1")
        element.get_by_name("size").set_property("caps", caps)

    after("stall_after_ms", stall)
    after("resize_after_ms", resize)
    if options.get("no_keyframe"):
        tap = element.get_by_name("tap").get_static_pad("src")
        tap.add_probe(
            Gst.PadProbeType.BUFFER,
            lambda _, info: Gst.PadProbeReturn.OK if info.get_buffer().has_flags(KEYLESS) else SILENT,
        )


Gst.init(None)
speaker = option("speaker", "")
server = GstRtspServer.RTSPOnvifServer() if speaker else GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(str(option("port", 0)))
factory = GstRtspServer.RTSPOnvifMediaFactory() if speaker else GstRtspServer.RTSPMediaFactory()
factory.set_launch(STREAM)
factory.set_shared(not speaker)  # one encoder, however many read
if speaker:
    factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
    factory.set_backchannel_launch(
        '( capsfilter caps="application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU"'
        f" name=depay_backchannel ! rtppcmudepay ! filesink location={speaker} buffer-mode=unbuffered async=false sync=false )"
    )
factory.connect("media-configure", configure)
if option("transport", ""):
    lower = {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}
    factory.set_protocols(lower[options["transport"]])
if options.get("drop_after_ms"):
    server.connect(
        "client-connected", lambda _, client: GLib.timeout_add(options["drop_after_ms"], lambda: client.close() and False)
    )
if option("user", "") or option("certificate", ""):
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if not option("user", ""):
        auth.set_default_token(token)
    elif options.get("basic"):
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options["user"], options["password"]), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options["user"], options["password"], token)
    if option("certificate", ""):
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(options["certificate"], options["key"]))
    server.set_auth(auth)
server.get_mount_points().add_factory("/camera", factory)
if server.attach(None) == 0:
    raise SystemExit("the port is taken")
scheme = "rtsps" if options.get("certificate") else "rtsp"
print(json.dumps({"ready": True, "url": f"{scheme}://127.0.0.1:{server.get_bound_port()}/camera"}), flush=True)
GLib.MainLoop().run()
