"""Baseline first, predictive its share, burst last."""
import threading
import time

from wire import answer


def slow(peer, o):
    while True:
        o.read(peer)
        time.sleep(0.02)
        peer.send(answer())


def load(t, clients, each):
    def run():
        with t.client() as c:
            for _ in range(each):
                assert c.get().status == 200

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()


def three_tiers(tidegate, origin):
    tiers = {name: origin(slow) for name in ("baseline", "predictive", "burst")}
    t = tidegate(service={"pools": {
        name: {"backends": [o.url], "max_requests": 10, "slow_start": "0s"} for name, o in tiers.items()}})
    return t, tiers


def test_little_traffic_stays_on_baseline(tidegate, origin):
    t, tiers = three_tiers(tidegate, origin)
    load(t, clients=5, each=20)
    assert len(tiers["baseline"].heads) == 100
    assert not tiers["predictive"].heads and not tiers["burst"].heads


def test_predictive_takes_its_share_before_baseline_is_full(tidegate, origin):
    t, tiers = three_tiers(tidegate, origin)
    load(t, clients=12, each=20)
    assert len(tiers["predictive"].heads) > 20
    assert not tiers["burst"].heads


def test_burst_takes_what_the_others_cannot(tidegate, origin):
    t, tiers = three_tiers(tidegate, origin)
    load(t, clients=26, each=10)
    assert len(tiers["burst"].heads) > 10
    assert sum(tier["admitted"] for tier in t.service()["tiers"].values()) == 260
