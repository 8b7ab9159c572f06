"""Configurations that are taken, those that are not, and addresses of every kind."""
import os
import signal
import socket
import subprocess

import pytest
import yaml

import wire
from harness import BINARY, ROOT, basic_config, check_config, free_port
from wire import wait_for

EXAMPLE = (ROOT / "conf/example.yaml").read_text()


@pytest.mark.parametrize("option", ["check", "-t"])
def test_the_first_configuration_of_the_docs_is_valid(tmp_path, option):
    assert check_config(EXAMPLE, tmp_path, option)[0] == 0


def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_name(tmp_path):
    text = EXAMPLE.replace("predictive:", "predictve:")
    code, _, err = check_config(text, tmp_path)
    assert code == 1
    line = next(i for i, l in enumerate(text.splitlines(), 1) if "predictve" in l)
    assert f"checked.yaml:{line}:7: " in err and "predictive" in err.replace("predictve", "")


def test_all_mistakes_are_told_at_once(tmp_path):
    text = EXAMPLE.replace("0.0.0.0:8080", "0.0.0.0:99999").replace("max: 8", "max: many") \
                  .replace("service: shop }", "service: shopp }")
    code, _, err = check_config(text, tmp_path)
    assert code == 1
    assert len([l for l in err.splitlines() if l.startswith("checked.yaml:")]) == 3


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    code = os.spawnv(os.P_WAIT, BINARY, [str(BINARY), "check", "-c", str(tmp_path / "none.yaml")])
    assert code == 1


def test_the_effective_configuration_is_valid_itself(tmp_path):
    code, out, _ = check_config(EXAMPLE, tmp_path, "-T")
    assert code == 0
    assert check_config(out, tmp_path)[0] == 0


def test_environment_variables_are_filled_in(tidegate, origin):
    o = origin()
    cfg = basic_config(["${HOST_OF_ORIGIN}:" + o.url.split(":")[1]])
    t = tidegate(config=cfg, env={"HOST_OF_ORIGIN": "127.0.0.1"})
    assert t.get().status == 200


def test_a_port_that_is_taken_is_an_error_at_start(tidegate, origin):
    with socket.socket() as s:
        s.bind(("127.0.0.1", free_port()))
        s.listen()
        t = tidegate([origin()], ready=False, listener={"bind": "127.0.0.1:%d" % s.getsockname()[1]})
        assert t.wait() == 1
        assert "in use" in t.stderr()
        t.process.returncode = 0  # it ended as it should


def test_clients_and_backends_may_use_unix_sockets(tidegate, origin, tmp_path):
    o = origin(address=str(tmp_path / "origin.sock"))
    t = tidegate([o], listener={"bind": f"unix:{tmp_path}/front.sock"})
    for _ in range(3):
        with wire.connect(str(tmp_path / "front.sock")) as c:
            assert c.get().status == 200
            assert c.get().status == 200


def test_a_unix_socket_that_an_earlier_process_left_is_replaced(tidegate, origin, tmp_path):
    path = str(tmp_path / "front.sock")
    t = tidegate([origin()], listener={"bind": f"unix:{path}"})
    t.kill()
    t.start()
    with wire.connect(path) as c:
        assert c.get().status == 200


def test_clients_and_backends_may_use_ipv6(tidegate, origin):
    o = origin(address=("::1", 0))
    t = tidegate([o], listener={"bind": f"[::1]:{free_port()}"})
    assert t.get().status == 200
    assert "for=\"[::1" in o.heads[0].get("Forwarded") or 'for="[::1]' in o.heads[0].get("Forwarded")


def test_a_backend_may_be_a_name(tidegate, origin):
    t = tidegate([origin().url.replace("127.0.0.1", "localhost")])
    wait_for(lambda: t.get().status == 200)


def test_several_listeners_serve_the_same_routes(tidegate, origin):
    ports = [free_port(), free_port()]
    cfg = basic_config([origin().url])
    cfg["listeners"] = [f"127.0.0.1:{p}" for p in ports]
    t = tidegate(config=cfg)
    for p in ports:
        with wire.connect(("127.0.0.1", p)) as c:
            assert c.get().status == 200


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_each_signal_to_stop_ends_with_exit_code_0(tidegate, origin, sig):
    t = tidegate([origin()])
    t.get()
    t.signal(sig)
    assert t.wait() == 0


def test_a_file_that_is_no_socket_is_not_replaced_by_a_listener(origin, tmp_path):
    cfg = basic_config([origin().url], listener={"bind": f"unix:{tmp_path}/precious"})
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(cfg))
    done = subprocess.run([BINARY, "run", "-c", tmp_path / "t.yaml"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"
