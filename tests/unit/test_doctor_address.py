"""test_doctor_address: whether ports are free, ours already, or somebody else's."""

import contextlib
import socket
import threading

import pytest

from app.checkup import FAIL, OK, SKIP
from app.doctor_address import address
from app.service.board import Board
from app.service.facts import CameraFacts, Facts
from app.service.http import HttpSettings, serving
from tests.patient import Patient
from tests.unit.test_doctor import asked

RTSP = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: GStreamer RTSP server\r\n\r\n"
OTHER = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: gortsplib\r\n\r\n"
UNIT = "jetwatch@door.service loaded {} {} Jetwatch, camera analytics (door)\n"


@contextlib.contextmanager
def answering(said):
    """A port on which whoever asks is told this."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(4)

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    with listening.accept()[0] as client:
                        client.recv(4096)
                        client.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@contextlib.contextmanager
def jetwatch(*cameras):
    """Our HTTP server, of a service with these cameras: its port."""
    board = Board()
    board.update(Facts(when=0.0, cameras=tuple(CameraFacts(name) for name in cameras)))
    with serving(HttpSettings(port=0), board) as server:
        yield server.port


@pytest.mark.parametrize("section", ["rtsp", "http"])
def test_an_address_that_is_taken(tmp_path, section):
    machine = Patient(tmp_path).machine()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        config = asked(rest="%s: {port: %d}" % (section, port))
        told = address(machine, config)
        assert told.verdict == FAIL and "port {} of 127.0.0.1 is in use".format(port) in told.found
        assert "ss -ltnp 'sport = :{}'".format(port) in told.fix and section + ".port" in told.fix
    assert address(machine, config).verdict == OK


def test_an_address_of_another_machine_or_none(tmp_path):
    machine = Patient(tmp_path).machine()
    told = address(machine, asked(rest="rtsp: {address: 192.0.2.1}"))
    assert told.verdict == FAIL and "hostname -I" in told.fix
    assert address(machine, asked()).verdict == SKIP


@pytest.mark.parametrize("cameras", [["door"], ["yard", "door"], []])
def test_a_port_of_http_that_the_running_service_has_is_well(tmp_path, cameras):
    """A healthy box had a failure, for its own service. One that begins names no camera yet."""
    with jetwatch(*cameras) as port:
        told = address(Patient(tmp_path).machine(), asked(rest="http: {port: %d}" % port))
    assert told.verdict == OK and "is in use by the running service" in told.found, told


def test_a_port_of_http_that_another_config_s_service_has_is_not(tmp_path):
    with jetwatch("gate", "roof") as port:
        told = address(Patient(tmp_path).machine(), asked(rest="http: {port: %d}" % port))
    assert told.verdict == FAIL and "another config (cameras: gate, roof)" in told.found, told


@pytest.mark.parametrize(
    "said", [b"HTTP/1.0 200 OK\r\n\r\n[]", b"HTTP/1.0 200 OK\r\n\r\n{}", b"\0"]
)
def test_a_port_of_http_that_another_program_has_is_not(tmp_path, said):
    with answering(said) as port:
        told = address(Patient(tmp_path).machine(), asked(rest="http: {port: %d}" % port))
    assert told.verdict == FAIL and "http.port" in told.fix, told


@pytest.mark.parametrize(
    "units, said, verdict",
    [
        (UNIT.format("active", "running"), RTSP, OK),
        (UNIT.format("activating", "start"), RTSP, OK),  # it waits for its first picture
        (UNIT.format("activating", "auto-restart"), RTSP, FAIL),  # maybe for want of this port
        (UNIT.format("failed", "failed"), RTSP, FAIL),
        (UNIT.format("active", "running"), OTHER, FAIL),
        ("", RTSP, FAIL),
    ],
)
def test_a_port_of_rtsp_is_ours_where_a_unit_runs_and_rtsp_answers(tmp_path, units, said, verdict):
    machine = Patient(tmp_path, ran={"systemctl list-units": units}).machine()
    with answering(said) as port:
        told = address(machine, asked(rest="rtsp: {port: %d}" % port))
    assert told.verdict == verdict, told
    assert verdict == FAIL or "running service (jetwatch@door)" in told.found


def test_a_port_of_rtsp_is_ours_where_http_says_that_the_service_runs(tmp_path):
    rest = "rtsp: {port: %d}\nhttp: {port: %d}"
    with answering(RTSP) as port, jetwatch("door") as http:
        told = address(Patient(tmp_path).machine(), asked(rest=rest % (port, http)))
    assert told.verdict == OK and told.found.count("by the running service") == 2, told
    with answering(RTSP) as port, jetwatch("gate") as http:
        told = address(Patient(tmp_path).machine(), asked(rest=rest % (port, http)))
    assert told.verdict == FAIL and told.found.count("another config") == 2, told
