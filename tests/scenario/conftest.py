"""Fixtures: what a scenario starts is ended, and checked, after it."""
import pytest

import origin as origin_module
import harness
import pki


@pytest.fixture
def origin():
    """origin(serve=..., reply=..., address=...) -> Origin, or what `kind` makes"""
    started = []

    def make(*args, kind=origin_module.Origin, **kwargs):
        started.append(kind(*args, **kwargs))
        return started[-1]

    yield make
    for o in started:
        o.stop()
    for o in started:
        for e in o.errors:
            raise e


@pytest.fixture
def sample():
    """sample(latency_ms=..., ...) -> Sample"""
    started = []

    def make(**options):
        started.append(harness.Sample(**options))
        return started[-1]

    yield make
    for s in started:
        s.stop()


@pytest.fixture
def tidegate(tmp_path, origin, sample):
    """tidegate(backends, service={}, listener={}, **top) -> Tidegate, ready

    `config=` takes a whole configuration instead, `ready=False` does not wait.
    Asked for before `origin` and `sample` it is ended before them.
    """
    started = []

    def make(backends=(), config=None, ready=True, env=None, **kwargs):
        urls = [b if isinstance(b, (str, dict)) else b.url for b in backends]
        cfg = config or harness.basic_config(urls, **kwargs)
        t = harness.Tidegate(cfg, tmp_path, env)
        started.append(t)
        return t.start(ready)

    yield make
    for t in started:
        t.check_end()


@pytest.fixture
def ca(tmp_path):
    return pki.Authority(tmp_path)


@pytest.fixture
def full_length(request):
    return request.config.getoption("--long")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="runs long scenarios at their full length")
