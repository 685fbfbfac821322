"""Launch strings per platform; which elements a board has is assumed here, not captured."""

import inspect

import pytest

from app.media import gstreamer
from app.media.gstreamer import DECODERS, Wish

_COMMON = frozenset(
    {"rtspsrc", "rtph264depay", "rtph265depay", "rtpjpegdepay", "souphttpsrc", "multipartdemux"}
    | {"v4l2src", "filesrc", "decodebin", "appsrc", "appsink", "videoconvert"}
    | {"h264parse", "h265parse", "jpegparse", "jpegdec"}
)
_JETSON = _COMMON | {"nvv4l2decoder", "nvvidconv", "nvarguscamerasrc"}
JETPACK_4 = _JETSON | {"avdec_h264", "avdec_h265", "avdec_mjpeg"}
JETPACK_5 = JETPACK_4
JETPACK_6 = _JETSON  # gstreamer1.0-libav was not asked for
JETPACK_7 = _JETSON | {"avdec_h264", "avdec_h265"}
X86 = _COMMON | {"avdec_h264", "avdec_h265", "avdec_mjpeg", "openh264dec"}
X86_NVIDIA = X86 | {"nvh264dec", "nvh265dec", "cudadownload"}
BARE = _COMMON

SINK = (
    "appsink name=out caps=video/x-raw,format=BGR sync=false enable-last-sample=false "
    "drop=true max-buffers=1"
)


@pytest.mark.parametrize(
    "elements, h264, h265, jpeg",
    [
        (frozenset(), [], [], []),
        (BARE, [], [], ["jpegdec"]),
        (
            JETPACK_4,
            ["nvv4l2decoder", "avdec_h264"],
            ["nvv4l2decoder", "avdec_h265"],
            ["nvv4l2decoder", "jpegdec", "avdec_mjpeg"],
        ),
        (JETPACK_6, ["nvv4l2decoder"], ["nvv4l2decoder"], ["nvv4l2decoder", "jpegdec"]),
        (
            JETPACK_7,
            ["nvv4l2decoder", "avdec_h264"],
            ["nvv4l2decoder", "avdec_h265"],
            ["nvv4l2decoder", "jpegdec"],
        ),
        (JETPACK_7 - {"nvvidconv"}, ["avdec_h264"], ["avdec_h265"], ["jpegdec"]),
        (X86, ["avdec_h264", "openh264dec"], ["avdec_h265"], ["jpegdec", "avdec_mjpeg"]),
        (
            X86_NVIDIA,
            ["nvh264dec", "avdec_h264", "openh264dec"],
            ["nvh265dec", "avdec_h265"],
            ["jpegdec", "avdec_mjpeg"],
        ),
        (X86 - {"h264parse"}, [], ["avdec_h265"], ["jpegdec", "avdec_mjpeg"]),
    ],
)
def test_the_best_decoder_comes_first(elements, h264, h265, jpeg):
    here = gstreamer.platform(elements)
    found = [
        [each.element for each in here.decoders_of(codec)] for codec in ("h264", "h265", "jpeg")
    ]
    assert found == [h264, h265, jpeg]


def best(elements, codec):
    return gstreamer.platform(elements).decoders_of(codec)[0]


def test_rtsp():
    assert gstreamer.rtsp("tcp", 100, 5.0) == (
        "rtspsrc name=source protocols=tcp latency=100 drop-on-latency=true "
        "timeout=5000000 tcp-timeout=5000000 " + SINK
    )


@pytest.mark.parametrize(
    "elements, encoding, chain",
    [
        (
            JETPACK_4,
            "H264",
            "rtph264depay ! h264parse ! nvv4l2decoder name=decoder ! "
            "nvvidconv ! video/x-raw,format=BGRx ! videoconvert",
        ),
        (
            JETPACK_5,
            "H265",
            "rtph265depay ! h265parse ! nvv4l2decoder name=decoder ! "
            "nvvidconv ! video/x-raw,format=BGRx ! videoconvert",
        ),
        (X86, "H264", "rtph264depay ! h264parse ! avdec_h264 ! videoconvert"),
        (X86, "H265", "rtph265depay ! h265parse ! avdec_h265 ! videoconvert"),
        (X86, "JPEG", "rtpjpegdepay ! jpegdec ! videoconvert"),
        (X86_NVIDIA, "H264", "rtph264depay ! h264parse ! nvh264dec name=decoder ! videoconvert"),
    ],
)
def test_what_goes_behind_an_rtp_stream(elements, encoding, chain):
    codec = gstreamer.codec_of(encoding)
    assert gstreamer.rtp_chain(encoding, best(elements, codec)) == chain


def test_an_encoding_that_is_none_of_ours():
    assert gstreamer.codec_of("MP4V-ES") is None


@pytest.mark.parametrize(
    "elements, memory, chain",
    [
        (X86, "", "videoconvert"),
        (X86, "memory:SystemMemory", "videoconvert"),
        (JETPACK_6, "memory:NVMM", "nvvidconv ! video/x-raw,format=BGRx ! videoconvert"),
        (JETPACK_6, "memory:SystemMemory", "videoconvert"),  # what nvv4l2decoder cannot decode
        (X86_NVIDIA, "memory:CUDAMemory", "cudadownload ! videoconvert"),
        (X86, "memory:CUDAMemory", "videoconvert"),
        (X86 | {"gldownload"}, "memory:GLMemory", "gldownload ! videoconvert"),
    ],
)
def test_what_goes_behind_raw_video(elements, memory, chain):
    assert gstreamer.raw_chain(memory, gstreamer.platform(elements)) == chain


def test_file():
    assert gstreamer.file() == (
        "filesrc name=source ! decodebin name=streams expose-all-streams=false "
        'caps="video/x-raw(ANY)" appsink name=out caps=video/x-raw,format=BGR sync=false '
        "enable-last-sample=false drop=false max-buffers=2"
    )


def test_http():
    assert gstreamer.http_mjpeg(5.0) == (
        "souphttpsrc name=source is-live=true do-timestamp=true timeout=5 ! multipartdemux ! "
        "jpegdec ! videoconvert ! " + SINK
    )


def test_usb_raw():
    assert (
        gstreamer.v4l2_raw(Wish()) == f"v4l2src name=source ! video/x-raw ! videoconvert ! {SINK}"
    )
    assert gstreamer.v4l2_raw(Wish((640, 480), 30)) == (
        "v4l2src name=source ! video/x-raw,width=640,height=480,framerate=30/1 ! "
        f"videoconvert ! {SINK}"
    )


@pytest.mark.parametrize(
    "fps, rate",
    [
        (30, "30/1"),
        (29.97, "30000/1001"),
        (59.94, "60000/1001"),
        (23.976, "24000/1001"),
        (23.98, "24000/1001"),
        (14.985, "15000/1001"),
        (12.5, "25/2"),
        (7.5, "15/2"),
        (1, "1/1"),
        (0.5, "1/2"),
    ],
)
def test_rates_are_what_cameras_call_them(fps, rate):
    assert f",framerate={rate} !" in gstreamer.v4l2_raw(Wish(None, fps))


def test_usb_mjpeg():
    wish = Wish((1280, 720), 29.97)
    head = (
        "v4l2src name=source ! image/jpeg,width=1280,height=720,framerate=30000/1001 ! jpegparse ! "
    )
    assert gstreamer.v4l2_mjpeg(wish, best(X86, "jpeg")) == (
        head + f"jpegdec ! videoconvert ! {SINK}"
    )
    assert gstreamer.v4l2_mjpeg(wish, best(JETPACK_4, "jpeg")) == (
        head + "nvv4l2decoder name=decoder mjpeg=1 ! nvvidconv ! video/x-raw,format=BGRx ! "
        f"videoconvert ! {SINK}"
    )


def test_csi():
    assert gstreamer.csi(1, Wish(), 2) == (
        "nvarguscamerasrc sensor-id=1 ! "
        "video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1,format=NV12 ! "
        "nvvidconv flip-method=2 ! video/x-raw,format=BGRx ! videoconvert ! " + SINK
    )


def test_no_function_takes_what_must_not_be_in_a_string():
    for name, function in inspect.getmembers(gstreamer, inspect.isfunction):
        taken = set(inspect.signature(function).parameters)
        assert not taken & {"location", "user", "password", "uri", "camera"}, name


def test_every_decoder_is_looked_for():
    assert {decoder.element for decoder in DECODERS} <= gstreamer.ELEMENTS
