"""A client that asked for the end of the connection."""
import pytest

from wire import answer, request, wait_for


@pytest.mark.parametrize("size", [0, 10, 60_000, 3_000_000])
def test_it_gets_all_of_its_answer_and_the_end(tidegate, origin, size):
    body = bytes(range(256)) * (size // 256 + 1)
    t = tidegate([origin(reply=lambda head, got: answer(200, body[:size]))])
    for _ in range(20 if size < 100_000 else 3):
        with t.client() as c:
            c.send(request("GET", "/", "Connection: close"))
            got = c.answer()
            assert got.body == body[:size] and got.head.get("Connection") == "close"
            assert c.is_closed()
    wait_for(lambda: t.figures()["connections"] == 0)


def test_http_1_0_too(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert c.answer().status == 200
        assert c.is_closed()
    wait_for(lambda: t.figures()["connections"] == 0)


def test_it_need_not_close_its_own_side(tidegate, origin):
    """Nothing is waited for: the descriptor is free at once, whatever the client does."""
    t = tidegate([origin()], listener={"timeouts": {"linger": "30s"}})
    with t.client() as c:
        c.send(request("GET", "/", "Connection: close"))
        assert c.answer().status == 200
        wait_for(lambda: t.figures()["connections"] == 0)


def test_bytes_behind_its_last_request_do_not_cost_it_the_answer(tidegate, origin):
    body = b"x" * 300_000
    t = tidegate([origin(reply=lambda head, got: answer(200, body))])
    for _ in range(10):
        with t.client() as c:
            c.send(request("GET", "/", "Connection: close") + b"GET /more HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
            assert c.answer().body == body
            assert c.is_closed()
