"""gRPC through HTTP/2 on both sides: the four kinds of call, errors, deadlines, cancelling."""
import concurrent.futures
import threading

import grpc
import pytest

import pki
from harness import free_port
from wire import wait_for


def raw(x):
    return x


class Echo(grpc.GenericRpcHandler):
    """Messages are bytes as they are; no code is generated."""

    def __init__(self):
        self.started, self.cancelled = threading.Event(), threading.Event()
        self.metadata = []

    def service(self, details):
        self.metadata.append((details.method, dict(details.invocation_metadata)))
        kinds = {
            "/t.Echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary, raw, raw),
            "/t.Echo/Many": grpc.unary_stream_rpc_method_handler(self.many, raw, raw),
            "/t.Echo/Sum": grpc.stream_unary_rpc_method_handler(self.sum, raw, raw),
            "/t.Echo/Chat": grpc.stream_stream_rpc_method_handler(self.chat, raw, raw),
            "/t.Echo/Fail": grpc.unary_unary_rpc_method_handler(self.fail, raw, raw),
            "/t.Echo/Slow": grpc.unary_unary_rpc_method_handler(self.slow, raw, raw),
        }
        return kinds.get(details.method)

    def unary(self, request, context):
        context.send_initial_metadata([("x-initial", "1")])
        context.set_trailing_metadata([("x-trailing", "2"), ("x-raw-bin", b"\0\1\2")])
        return request.upper()

    def many(self, request, context):
        for i in range(int(request)):
            yield b"%d" % i

    def sum(self, requests, context):
        return b"%d" % sum(len(r) for r in requests)

    def chat(self, requests, context):
        for r in requests:
            yield r.upper()

    def fail(self, request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: é")

    def slow(self, request, context):
        if not context.add_callback(self.cancelled.set):
            self.cancelled.set()
        self.started.set()
        self.cancelled.wait(20)
        return b"late"


def with_tls(ca, pair, port, server):
    """(channel to a TLS listener, service and listener that go on over TLS)"""
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials(
        [(pair.key_file.read_bytes(), pair.cert_file.read_bytes())]))
    trust = grpc.ssl_channel_credentials(ca.pair.cert_file.read_bytes())
    return (lambda address: grpc.secure_channel(address, trust), {"protocol": "h2", "tls": {"ca": ca.file}},
            {"tls": {"certificates": [pair.entry]}})


def without_tls(port, server):
    server.add_insecure_port(f"127.0.0.1:{port}")
    return grpc.insecure_channel, {"protocol": "h2"}, {}


@pytest.fixture(params=["h2c", "tls"])
def echo(request, tidegate, tmp_path):
    """(channel to the proxy, the service behind it)"""
    service, port = Echo(), free_port()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((service,))
    if request.param == "tls":
        ca = pki.Authority(tmp_path)
        connect, pool, listener = with_tls(ca, ca.issue("localhost", "127.0.0.1"), port, server)
    else:
        connect, pool, listener = without_tls(port, server)
    server.start()
    t = tidegate([f"127.0.0.1:{port}"], service={"pools": {"baseline": pool}}, listener=listener)
    service.t = t
    with connect(f"127.0.0.1:{t.port}") as channel:
        yield channel, service
    server.stop(None).wait()


def test_unary_with_metadata_both_ways(echo):
    channel, service = echo
    call = channel.unary_unary("/t.Echo/Unary", raw, raw)
    for i in range(50):
        answer, done = call.with_call(b"hello %d" % i, metadata=[("x-mine", "3")], timeout=10)
        assert answer == b"HELLO %d" % i
        assert ("x-initial", "1") in done.initial_metadata()
        trailing = dict(done.trailing_metadata())
        assert trailing["x-trailing"] == "2" and trailing["x-raw-bin"] == b"\0\1\2"
    assert service.metadata[0][1]["x-mine"] == "3"


def test_a_large_message(echo):
    channel, _ = echo
    call = channel.unary_unary("/t.Echo/Unary", raw, raw)
    assert call(b"a" * 3_000_000, timeout=20) == b"A" * 3_000_000


def test_many_answers_to_one_request(echo):
    channel, _ = echo
    got = list(channel.unary_stream("/t.Echo/Many", raw, raw)(b"2000", timeout=20))
    assert got == [b"%d" % i for i in range(2000)]


def test_many_requests_and_one_answer(echo):
    channel, _ = echo
    call = channel.stream_unary("/t.Echo/Sum", raw, raw)
    assert call((b"x" * 1000 for _ in range(500)), timeout=20) == b"500000"


def test_both_at_once_in_turns(echo):
    channel, _ = echo
    turn = threading.Semaphore(1)

    def ask():
        for i in range(100):
            assert turn.acquire(timeout=10)
            yield b"word %d" % i

    for i, answer in enumerate(channel.stream_stream("/t.Echo/Chat", raw, raw)(ask(), timeout=20)):
        assert answer == b"WORD %d" % i
        turn.release()
    assert i == 99


def test_an_error_is_an_answer_of_trailers_alone(echo):
    channel, _ = echo
    with pytest.raises(grpc.RpcError) as e:
        channel.unary_unary("/t.Echo/Fail", raw, raw)(b"", timeout=10)
    assert e.value.code() == grpc.StatusCode.FAILED_PRECONDITION and e.value.details() == "not today: é"
    with pytest.raises(grpc.RpcError) as e:
        channel.unary_unary("/t.Echo/Nobody", raw, raw)(b"", timeout=10)
    assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("how", ["deadline", "cancel"])
def test_who_gives_up_frees_the_backend(echo, how):
    channel, service = echo
    call = channel.unary_unary("/t.Echo/Slow", raw, raw)
    pending = call.future(b"", timeout=2 if how == "deadline" else 20)
    assert service.started.wait(10)
    if how == "cancel":
        pending.cancel()
    else:
        assert pending.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.wait(10)
    wait_for(lambda: service.t.figures()["exchanges"] == 0)


def test_many_calls_at_once_share_connections(echo):
    channel, service = echo
    call = channel.unary_unary("/t.Echo/Unary", raw, raw)
    pending = [call.future(b"n%d" % i, timeout=20) for i in range(300)]
    assert [p.result() for p in pending] == [b"N%d" % i for i in range(300)]
    assert service.t.figures()["upstream_opened"] <= 2 * 3
