"""Reload: the new configuration, or the old one and the reason."""
import copy
import signal
import threading

from harness import free_port
from wire import answer, connect, request, wait_for


def named(name):
    return lambda head, body: answer(200, name)


def reload_with(t, cfg):
    t.write(cfg)
    t.signal(signal.SIGHUP)


def pointing_to(t, o):
    cfg = copy.deepcopy(t.cfg)
    cfg["services"]["app"]["pools"]["baseline"]["backends"] = [o.url]
    return cfg


def test_a_reload_takes_effect_without_a_failed_request(tidegate, origin):
    a, b = origin(reply=named(b"a")), origin(reply=named(b"b"))
    t = tidegate([a])
    stop, failed = threading.Event(), []

    def keep_asking():
        with t.client() as c:
            while not stop.is_set():
                got = c.get()
                if got.status != 200:
                    failed.append(got.status)

    askers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for th in askers:
        th.start()
    for o in (b, a, b, a, b):
        reload_with(t, pointing_to(t, o))
        wait_for(lambda: t.get().body == o.reply(None, None)[-1:])
    stop.set()
    for th in askers:
        th.join()
    assert failed == []


def test_a_faulty_configuration_is_refused_and_the_old_one_goes_on(tidegate, origin):
    t = tidegate([origin(reply=named(b"old"))])
    good = copy.deepcopy(t.cfg)
    reload_with(t, {**good, "wrkers": 3})
    wait_for(lambda: "wrkers" in t.stderr())
    assert t.get().body == b"old"
    assert t.metric("tidegate_config_last_reload_success") == 0
    reload_with(t, good)
    wait_for(lambda: t.metric("tidegate_config_last_reload_success") == 1)


def test_a_reload_by_the_admin_endpoint_says_how_it_went(tidegate, origin):
    t = tidegate([origin()])
    assert t.post("reload").status == 200
    t.file.write_text("listeners: 7\n")
    refused = t.post("reload")
    assert refused.status == 409 and b"the old configuration stays: " in refused.body


def test_a_request_under_way_ends_on_the_configuration_it_began_with(tidegate, origin):
    go = threading.Event()

    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            if head.target == "/slow":
                go.wait(10)
            peer.send(answer(200, b"old"))

    a, b = origin(serve), origin(reply=named(b"new"))
    t = tidegate([a])
    with t.client() as c:
        c.send(request("GET", "/slow"))
        wait_for(lambda: a.heads)
        reload_with(t, pointing_to(t, b))
        wait_for(lambda: t.get().body == b"new")
        go.set()
        assert c.answer().body == b"old"
        assert c.get().body == b"new"
    wait_for(lambda: a.open_now == 0, within_s=5)  # not kept; the origin itself would wait 10 s


def test_listeners_come_and_go_with_a_reload(tidegate, origin):
    t = tidegate([origin()])
    cfg, more = copy.deepcopy(t.cfg), free_port()
    cfg["listeners"].append({"bind": f"127.0.0.1:{more}"})
    reload_with(t, cfg)
    wait_for(lambda: answers(more))
    cfg = copy.deepcopy(cfg)
    cfg["listeners"].pop()
    reload_with(t, cfg)
    wait_for(lambda: not answers(more))
    assert t.get().status == 200


def answers(port):
    try:
        with connect(("127.0.0.1", port)) as c:
            return c.get().status == 200
    except ConnectionError:
        return False
