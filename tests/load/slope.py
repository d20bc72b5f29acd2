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
from service import Service, Tenant, run  # noqa: E402

WINDOW = 500
EARLY = 500
LATE = 6_000
MOST = 1.3


class Load:
    def __init__(self, service):
        self.tenant = Tenant(service)
        self.process = service.child.pid
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

    def processor(self):
        """Processor seconds of the host so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rest(self):
        """Waits until nothing that follows from the writes is left to do: the host hardly runs any more."""
        until = time.monotonic() + 60
        before = self.processor()
        while time.monotonic() < until:
            time.sleep(0.5)
            now = self.processor()
            if now - before <= 0.03:
                return now
            before = now
        raise AssertionError("the host never came to rest")

    def cost(self):
        """Processor seconds of a window of creates and all that follows."""
        before = self.rest()
        self.create(WINDOW)
        return (self.rest() - before) / WINDOW


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
