"""
rtsp_server: a camera for tests, in a process of its own so that it can be killed or frozen.

usage: rtsp_server.py [--port N] [--codec h264|h265|jpeg] [--user U --password P] [--size WxH]
                      [--fps N] [--pattern NAME]

Prints "ready PORT" once it listens, and "client" for each that connects. The path is /cam; each
picture is videotestsrc's, its ball unless another pattern is named.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

_ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast sliced-threads=false key-int-max=30 "
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=30 "
    "! h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--codec", choices=sorted(_ENCODERS), default="h264")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--fps", default="30")
    parser.add_argument("--pattern", default="ball")
    options = parser.parse_args()
    Gst.init([])
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    factory = GstRtspServer.RTSPMediaFactory()
    width, height = options.size.split("x")
    factory.set_launch(
        f"( videotestsrc is-live=true pattern={options.pattern} ! "
        f"video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1 ! "
        f"{_ENCODERS[options.codec]} )"
    )
    factory.set_shared(True)
    if options.user:
        _ask_for(server, factory, options.user, options.password)
    server.get_mount_points().add_factory("/cam", factory)
    server.connect("client-connected", lambda *_: _say("client"))
    if server.attach(None) == 0:
        raise SystemExit("cannot listen")
    _say(f"ready {server.get_bound_port()}")
    GLib.MainLoop().run()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _ask_for(server: object, factory: object, user: str, password: str) -> None:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
