"""Answers of class 1xx, and Expect."""
from wire import answer, request


def test_every_interim_answer_is_passed_on_in_order(tidegate, origin):
    def serve(peer, o):
        while True:
            o.read(peer)
            peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
            peer.send("HTTP/1.1 102 Processing\r\n\r\n", answer(200, b"final"))

    t = tidegate([origin(serve)])
    with t.client() as c:
        for _ in range(2):
            a = c.get()
            assert [h.status for h in a.interim] == [103, 102]
            assert a.interim[0].get("Link") == "</a.css>"
            assert a.body == b"final"


def test_an_http_1_0_client_gets_no_interim_answer(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n", answer(200, b"final"))

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        a = c.answer()
        assert a.interim == [] and a.body == b"final"


def test_a_client_that_expects_100_sends_its_body_after_the_origins_word(tidegate, origin):
    def serve(peer, o):
        head = o.read_head(peer)
        assert head.get("Expect", "").lower() == "100-continue"
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.body(head) == b"hello"
        peer.send(answer(201, b"made"))

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert c.head().status == 100
        c.send("hello")
        assert c.answer().status == 201


def test_a_client_that_expects_100_may_get_its_final_answer_instead(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(answer(401, b"no"))
        peer.until_close()

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        a = c.answer("POST")
        assert a.status == 401 and a.interim == []


def test_interim_answers_without_end_are_a_bad_gateway(tidegate, origin):
    """They are not held back by a client that does not read, so all together have a limit."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"a" * 1000 + b"\r\n\r\n"

    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            peer.send(hint * int(head.target[1:]))
            peer.send(answer(200, b"final"))

    t = tidegate([origin(serve)], workers=1)
    with t.client() as c:
        few = c.get("/60")
        assert few.body == b"final" and len(few.interim) == 60
        assert c.get("/60").status == 200  # each request has the whole of it
        many = c.get("/70")
        assert many.status == 502 and len(many.interim) < 70
    assert t.service()["errors"]["bad_response"] == 1


def test_an_interim_answer_does_not_end_the_wait_for_the_final_one(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n")

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(request("POST", "/", body=b"x"))
        assert c.head().status == 103
        assert c.answer("POST").status == 502
