"""Where the RTSP server listens: one clear line where it cannot."""

import socket

import pytest

from app.errors import OutputError
from app.media.rtsp import RtspSettings, check, serving
from tests import needs

ANY_PORT = RtspSettings(port=0)


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


def test_a_port_in_use_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        says = f"port {port} of 127.0.0.1 is in use.*--rtsp PORT"
        with pytest.raises(OutputError, match=says):
            check(RtspSettings(port=port))
        with pytest.raises(OutputError, match=says), serving(RtspSettings(port=port), ["a"]):
            pytest.fail("must not begin")


def test_two_servers_do_not_share_a_port():
    with serving(ANY_PORT, ["a"]) as server:
        port = int(server.url("a").split(":")[2].split("/")[0])
        with pytest.raises(OutputError, match="is in use"):
            check(RtspSettings(port=port))
    check(RtspSettings(port=port))


@pytest.mark.parametrize("address, port", [("192.0.2.1", 8554), ("no.such.host.invalid", 8554),
                                           ("127.0.0.1", 70000), ("127.0.0.1", -1)])  # fmt: skip
def test_an_address_that_is_not_ours_is_one_clear_line(address, port):
    with pytest.raises(OutputError, match="Choose"):
        check(RtspSettings(address, port))
