"""A recorded day of a real site, played through a running tidegate.

`TIDEGATE_DATA` is the folder of traces, by default ../shared/data beside the checkout.
Without it the scenario is skipped, but not in continuous integration.
"""
import os
import pathlib

import pytest

from harness import ROOT
from real_day import play_day

DATA = pathlib.Path(os.environ.get("TIDEGATE_DATA", ROOT.parent / "shared/data"))
TRACE = DATA / "A/nasa_19950801.tsv.gz"


@pytest.fixture
def trace():
    if not TRACE.exists():
        assert "CI" not in os.environ, f"{TRACE} is missing"
        pytest.skip(f"{TRACE} is not here")
    return TRACE


def test_a_real_day_is_carried_and_scaled_without_a_loss(tidegate, tmp_path, trace):
    day = play_day(tidegate, tmp_path, trace, speed=2400)
    assert day.result["sent"] == day.result["answered"] == 30_969
    assert day.result["lost"] == day.result["wrong"] == 0
    assert len(set(day.sizes)) >= 3, f"predictive pool: {day.sizes}"
    assert day.decisions and all(d["reason"] for d in day.decisions)
    assert day.users and day.users[0]["requests"] > 100
