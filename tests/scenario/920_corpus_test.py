"""A thousand requests and hundreds of answers, byte by byte, over one running proxy.

The cases are data: tests/conformance.  Here it is said what our own fields look like.
"""
import re
import sys

import pytest

from harness import ROOT

sys.path.insert(0, str(ROOT / "tests" / "conformance"))

import http1_answers  # noqa: E402
import http1_requests  # noqa: E402
import play  # noqa: E402


def is_token(text):
    return re.fullmatch(r"[\w!#$%&'*+\-.^`|~]+", text, re.A) is not None


def expected_bytes(up, t, recorder):
    """The request `up` as the backend must have it, to the byte."""
    host = up.host or recorder.url
    forwarded = "" if up.host is None else f";host={up.host}" if is_token(up.host) else f';host="{up.host}"'
    lines = [f"{up.line} HTTP/1.1", f"Host: {host}", *up.fields,
             "x-forwarded-for: 127.0.0.1", f"forwarded: for=127.0.0.1{forwarded};proto=http", "x-forwarded-proto: http",
             *([f"x-forwarded-host: {up.host}"] if up.host else []), f"x-forwarded-port: {t.port}", "x-request-id: <id>",
             "x-real-ip: 127.0.0.1", f"via: {up.version} tidegate", *up.framing, "", ""]
    return "\r\n".join(lines).encode("latin-1") + up.body


def without_id(raw):
    return re.sub(rb"\r\nx-request-id: [0-9a-f]{32}\r\n", b"\r\nx-request-id: <id>\r\n", raw, count=1)


@pytest.fixture
def recorder():
    r = play.Recorder()
    yield r
    r.stop()


@pytest.fixture
def strict(tidegate, recorder):
    # With HTTP/2 its preface would be no faulty request.
    return tidegate([recorder.url], workers=1, listener={"h2": False}, service={"ejection": {"enabled": False}, "retries": {"attempts": 0}})


def differences(case, seen, t, recorder):
    ups = [expected_bytes(u, t, recorder) for u in case.ups]
    left = [ups.pop() + case.left] if case.left is not None else []
    for what, got, expected in (("statuses", seen.statuses, case.statuses), ("closed", seen.closed, case.closes),
                                ("to the backend", [without_id(r) for r in seen.requests], ups),
                                ("left over", [without_id(r) for r in seen.left], left)):
        if got != expected:
            yield f"{what}: {got!r}, expected {expected!r}"


def test_every_request_is_passed_on_to_the_byte_or_not_at_all(strict, recorder):
    cases = http1_requests.cases()
    assert len(cases) > 1000
    failures = []
    for case in cases:
        seen = play.play(case, strict.address, recorder)
        failures += [f"{case.name}: {d}" for d in differences(case, seen, strict, recorder)]
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures[:60])


CLOSE = http1_answers.to_bytes(http1_answers.CLOSE)  # then the end is the end of the body


def answer_differences(case, seen):
    if seen.down != case.down and not (seen.broke and case.torn and case.down.startswith(seen.down)):
        yield f"to the client {seen.down[:300]!r}, expected {case.down[:300]!r}"
    if case.torn and not (seen.broke or (seen.closed and CLOSE not in case.down)):
        yield "what is not whole looks as if it were"
    if not case.torn and (seen.closed, seen.broke) != (case.closes, False):
        yield f"closed: {seen.closed}, broken off: {seen.broke}"
    if not case.torn and not case.closes and not seen.after:
        yield "the client's connection serves no other request"
    if seen.reuse != case.reuse:
        yield f"the backend's connection used again: {seen.reuse}"


def test_every_answer_is_passed_on_to_the_byte_or_not_at_all(strict, recorder):
    cases = http1_answers.cases()
    assert len(cases) > 300
    failures = []
    for case in cases:
        seen = play.play_answer(case, strict.address, recorder)
        failures += [f"{case.name}: {d}" for d in answer_differences(case, seen)]
    assert not failures, f"{len(failures)} differences\n" + "\n".join(failures[:60])
