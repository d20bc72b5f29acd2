"""Whether writes grow dearer: processor time per created lead, with its events and workers, early and late in a tenant's life.

The short form of `cargo bench --package tests -- slope --long`, against the program of `cargo build --package host`.
"""

import itertools
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))
from process import Process  # noqa: E402
from service import Service, Tenant, run  # noqa: E402

WINDOW = 500
EARLY = 500
LATE = 6_000
MOST = 1.3
#: Seconds within which all that follows from a window of creates is done.
REST = 60


class Load:
    def __init__(self, service):
        self.tenant = Tenant(service)
        self.process = Process(service.child.pid)
        self.numbers = itertools.count(1)

    def lead(self):
        n = next(self.numbers)
        return {"name": f"Given{n} Family{n}", "email": f"lead{n}@mail.example", "phone": f"+1415{2_000_000 + n}", "source": "web", "industry": "retail"}

    def fill(self, count):
        def batch(_):
            inputs = [self.lead() for _ in range(100)]
            self.tenant.post("/v1/leads/batch", {"operation": "create", "inputs": inputs}, 200)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(batch, range(count // 100)))

    def create(self, count):
        def some(_):
            with requests.Session() as session:
                session.headers["Authorization"] = f"Bearer {self.tenant.token}"
                for _ in range(count // 4):
                    answer = session.post(f"{self.tenant.url}/v1/leads", json=self.lead(), timeout=30)
                    assert answer.status_code == 201, answer.text

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(some, range(4)))

    def cost(self):
        """Processor seconds of a window of creates and all that follows."""
        before = self.process.rest(REST)
        self.create(WINDOW)
        return (self.process.rest(REST) - before) / WINDOW


def a_late_write_costs_what_an_early_one_did():
    with Service() as service:
        load = Load(service)
        load.fill(EARLY)
        early = load.cost()
        load.fill(LATE - EARLY - WINDOW)
        late = load.cost()
    print(f"{early * 1e3:.2f} ms a create over rows {EARLY}-{EARLY + WINDOW}, {late * 1e3:.2f} ms over {LATE}-{LATE + WINDOW}, ratio {late / early:.2f}")
    assert late <= MOST * early, f"writes grow dearer: {late / early:.2f} times"


if __name__ == "__main__":
    sys.exit(run([a_late_write_costs_what_an_early_one_did]))
