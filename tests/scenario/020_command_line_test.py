"""Commands, and the flags that are commands by another name."""
import subprocess

import pytest
import yaml

from harness import BINARY, ROOT, basic_config

EXAMPLE = str(ROOT / "conf/example.yaml")


def tidegate(*args):
    """(exit status, stdout, stderr)"""
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("args", [["check", "-c", EXAMPLE], ["-c", EXAMPLE, "check"], ["-t", "-c", EXAMPLE],
                                  ["-tc", EXAMPLE], ["--config", EXAMPLE, "-t"]])
def test_a_good_configuration_is_said_to_be_so_on_stderr(args):
    assert tidegate(*args) == (0, "", f"{EXAMPLE}: configuration OK\n")


@pytest.mark.parametrize("args", [["-T", "-c", EXAMPLE], ["check", "-T", "-c", EXAMPLE],
                                  ["-c", EXAMPLE, "check", "--print"]])
def test_the_effective_configuration_goes_to_stdout(args):
    code, out, err = tidegate(*args)
    assert (code, err) == (0, f"{EXAMPLE}: configuration OK\n")
    assert "drain_timeout: 30s\n" in out


def test_the_version_comes_alone_or_with_what_it_was_built_with():
    code, short, _ = tidegate("-v")
    assert code == 0 and short.startswith("tidegate ") and short.count("\n") == 1
    for args in (["-V"], ["version"]):
        code, long, _ = tidegate(*args)
        assert code == 0 and long.startswith(short)
        assert all(library in long for library in ("libevent ", "libfyaml ", "jansson ", "LMDB ", "c-ares "))
    assert tidegate("--version")[:2] == (0, short)


def test_an_unknown_command_names_the_nearest():
    code, out, err = tidegate("chekc")
    assert (code, out) == (2, "")
    assert err == "tidegate: unknown command 'chekc'; did you mean 'check'?\n"


@pytest.mark.parametrize("args", [["-x"], ["--nothing"], ["-c"], ["check", "-x"], ["check", "stray"], ["-t", "run"],
                                  ["docs", "cats"], ["version", "-T"]])
def test_what_is_not_understood_ends_with_2_and_the_usage(args):
    code, out, err = tidegate(*args)
    assert (code, out) == (2, "")
    assert "usage: tidegate " in err


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["check", "-h"], ["run", "--help"]])
def test_help_is_an_answer_and_no_error(args):
    code, out, err = tidegate(*args)
    assert (code, err) == (0, "")
    assert out.startswith("usage: tidegate ")


def test_the_configuration_reference_is_what_the_binary_prints():
    assert tidegate("docs", "config")[1] == (ROOT / "docs/configuration.md").read_text()


def test_learn_into_memory_is_refused(tmp_path):
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(basic_config(["127.0.0.1:9"])))
    (tmp_path / "log").write_text("")
    done = subprocess.run([BINARY, "learn", "-c", tmp_path / "t.yaml", tmp_path / "log"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "store is memory" in done.stderr
