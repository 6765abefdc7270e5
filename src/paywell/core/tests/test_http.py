"""The one way out: a call ends by its deadline, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from paywell.core import clock, http

Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """Answers each connection by `talk`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                talk(connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def trickle(text: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    "text",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500],
    ids=["its body trickles", "its headers trickle"],
)
def test_f39_an_answer_that_trickles_is_cut_at_the_deadline(text: bytes) -> None:
    with server(trickle(text)) as url, http.client(url, timeout_s=0.4) as client:
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            client.get("/")
        assert time.monotonic() - began < 2


def test_f39_silence_is_cut_as_well() -> None:
    with server(lambda connection: time.sleep(3)) as url, http.client(url, timeout_s=0.3) as client:
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            client.get("/")
        assert time.monotonic() - began < 2


def test_a_quick_answer_is_whole_and_each_call_has_its_own_time() -> None:
    def talk(connection: socket.socket) -> None:
        time.sleep(0.3)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with server(talk) as url, http.client(url, timeout_s=1.0) as client:
        assert [client.get("/").text for _ in range(4)] == ["ok"] * 4


def test_where_nobody_listens_the_request_never_left() -> None:
    with http.client("http://127.0.0.1:9", timeout_s=1) as client, pytest.raises(httpx.ConnectError):
        client.get("/")


def test_reserve_and_commit_have_25_seconds_and_the_rest_10() -> None:
    assert (http.CHARGE_TIMEOUT_S, http.QUICK_TIMEOUT_S) == (25.0, 10.0)


def test_f55_the_other_sides_clock_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_skews", {})
    date = (datetime.now(UTC) + timedelta(minutes=6)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    def talk(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 204 No Content\r\nDate: {date}\r\nConnection: close\r\n\r\n".encode())

    with server(talk) as url, http.client(url) as client:
        client.get("/")
        with clock.set_to(clock.now() + timedelta(days=1)):
            client.get("/")
    [(host, skew)] = http.list_skews()
    assert host == "127.0.0.1"
    assert abs(skew - timedelta(minutes=6)) < timedelta(seconds=5)
