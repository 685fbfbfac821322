import pytest

from app.media import gst
from app.media.encode import (
    NVENC,
    OPENH264,
    X264,
    Format,
    choose,
    encodes,
    exists,
    file_encoder,
    has_property,
    live_encoder,
    mp4_launch,
    rtsp_launch,
)
from tests import needs

HD = Format(1280, 720, 30)

# What gst-inspect-1.0 lists, of what we set.
JETPACK_4 = {
    NVENC: {"bitrate", "insert-sps-pps", "idrinterval", "iframeinterval", "preset-level",
            "maxperf-enable"},
    "rtph264pay": {"config-interval"},
}  # fmt: skip
GSTREAMER_1_20 = dict(JETPACK_4, rtph264pay={"config-interval", "aggregate-mode"})
NOT_A_JETSON = dict(GSTREAMER_1_20, **{NVENC: {"bitrate", "iframeinterval", "idrinterval"}})


def has(machine):
    return lambda element, name: name in machine.get(element, ())


SOURCE = "( appsrc name=source is-live=true format=time block=false max-bytes=0 caps=video/x-raw,format=I420,width=1280,height=720,framerate=30/1"  # noqa: E501
QUEUE = "queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0"
PAY = "h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=0"
NVENC_ALL = "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc bitrate=2500000 insert-sps-pps=true idrinterval=30 iframeinterval=30 preset-level=1 maxperf-enable=true"  # noqa: E501
NVENC_FEW = "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc bitrate=2500000 idrinterval=30 iframeinterval=30"  # noqa: E501
SOFT = "x264enc tune=zerolatency speed-preset=ultrafast threads=1 sliced-threads=false bitrate=2500 key-int-max=30 ! video/x-h264,profile=constrained-baseline"  # noqa: E501
OPEN = "openh264enc bitrate=2500000 gop-size=30 complexity=low rate-control=bitrate"


@pytest.mark.parametrize(
    "encoder, machine, line",
    [
        (NVENC, JETPACK_4, f"{SOURCE} ! {QUEUE} ! {NVENC_ALL} ! {PAY} )"),
        (NVENC, GSTREAMER_1_20,
         f"{SOURCE} ! {QUEUE} ! {NVENC_ALL} ! {PAY} aggregate-mode=zero-latency )"),
        (NVENC, NOT_A_JETSON,
         f"{SOURCE} ! {QUEUE} ! {NVENC_FEW} ! {PAY} aggregate-mode=zero-latency )"),
        (X264, JETPACK_4, f"{SOURCE},colorimetry=bt601 ! {QUEUE} ! {SOFT} ! {PAY} )"),
        (OPENH264, GSTREAMER_1_20, f"{SOURCE},colorimetry=bt601 ! {QUEUE} ! {OPEN} ! {PAY} "
         "aggregate-mode=zero-latency )"),
    ],
)  # fmt: skip
def test_rtsp_line(encoder, machine, line):
    assert rtsp_launch(encoder, HD, 2500, 1.0, has(machine)) == line


@pytest.mark.parametrize("encoder, unit", [(NVENC, 1000), (X264, 1), (OPENH264, 1000)])
def test_each_encoder_is_told_the_bitrate_in_its_own_unit(encoder, unit):
    assert f" bitrate={1500 * unit} " in live_encoder(encoder, HD, 1500, 1.0, has(JETPACK_4)) + " "


@pytest.mark.parametrize("fps, keyframe_s, gop", [(30, 1.0, 30), (10, 2.5, 25), (1, 0.1, 1)])
def test_key_frames_come_by_the_clock(fps, keyframe_s, gop):
    line = live_encoder(X264, Format(640, 480, fps), 500, keyframe_s, has({}))
    assert f"key-int-max={gop} " in line


def test_large_pictures_are_cut_in_slices_not_delayed():
    assert "sliced-threads=true" in live_encoder(X264, Format(1920, 1080, 30), 4000, 1, has({}))


@pytest.mark.parametrize("encoder", [NVENC, X264, OPENH264])
def test_a_file_never_drops(encoder):
    line = mp4_launch(encoder, HD, has(GSTREAMER_1_20))
    assert "leaky" not in line and "zerolatency" not in line
    assert line.endswith("h264parse ! mp4mux ! filesink name=sink sync=false")


@pytest.mark.parametrize("encoder", [NVENC, X264, OPENH264])
def test_a_rate_that_cannot_be_does_not_cost_bits(encoder):
    """A live camera's first step of 8.6 ms was once taken for 116 pictures a second."""
    lines = [file_encoder(encoder, Format(1280, 720, fps), has(JETPACK_4)) for fps in (60, 116)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    "there, working, chosen",
    [
        ((), (), None),
        ((NVENC, X264, OPENH264), (NVENC,), NVENC),
        ((NVENC, X264, OPENH264), (), X264),  # Orin Nano
        ((NVENC, OPENH264), (), OPENH264),
        ((X264, OPENH264), (NVENC,), X264),
        ((NVENC,), (), None),
    ],
)
def test_choice_of_encoder(there, working, chosen):
    assert choose(there.__contains__, working.__contains__) == chosen


@pytest.mark.parametrize(
    "line, works",
    [
        ("videotestsrc num-buffers=3 ! fakesink", True),
        ("videotestsrc num-buffers=3 ! identity error-after=2 ! fakesink", False),
        ("videotestsrc ! fakesink", False),
        ("nothing-of-this-name ! fakesink", False),
    ],
)
def test_a_line_proves_itself_in_time(line, works):
    needs.gstreamer()
    assert encodes(line, 1.0 if "num-buffers" not in line else 10.0) is works


def test_this_machine_s_lines_can_be_made():
    needs.gstreamer()
    for encoder in (X264, OPENH264):
        if exists(encoder):
            gst.load().parse_launch(mp4_launch(encoder, HD, has_property))
            gst.load().parse_launch(rtsp_launch(encoder, HD, 2500, 1.0, has_property)[1:-1])


def test_unknown_properties_and_elements_are_absent():
    needs.gstreamer()
    assert has_property("appsrc", "format")
    assert not has_property("appsrc", "no-such-thing")
    assert not has_property("no-such-element", "format")
