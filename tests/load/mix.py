"""Twenty tenants at once: 60 % reads, 25 % lists and searches, 15 % writes, against the host on disk.

`python tests/load/mix.py` is the short form, about a minute against the program that `RAPPORT_HOST` names, its requests sent from here. With
`--long` they are sent by `oha` (`cargo xtask oha` builds it, or `OHA` names one); it takes more than half an hour, wants an optimised
host, and writes `tests/results/load.json`. Processor time and ratios count; the rest is this machine's.
"""

import argparse
import itertools
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))
from process import Process  # noqa: E402
from service import ROOT, Service, Tenant, eventually, run  # noqa: E402

OHA = Path(os.environ.get("OHA", ROOT / "target/tools/bin/oha"))
TENANTS = 20
CONTACTS = 100
#: Of a hundred requests.
SHARES = {"read": 60, "list": 15, "search": 10, "write": 15}
#: What the loudest may do to others: their slowest hundredth may become so many times as slow, or this slow where that is more.
MOST_SLOWER, NEVER_MIND = 4.0, 0.25
#: By how much memory may grow from the first third of a run to its last.
MOST_GROWTH = 1.15
#: What is new of a quiet tenant is found in this share of the time that a loud one's own takes.
MOST_WAIT = 0.5
#: So many seconds the way through streams and queues may take by itself: the short form's work is done before more have passed.
WAY = 5.0
#: Seconds within which all that follows from a part is done.
REST = 180


class Firm:
    """A tenant with some customers, and what each kind of request of it is."""

    def __init__(self, service, number):
        tenant = Tenant(service)
        key = tenant.post("/v1/api-keys", {"name": "load", "scopes": ["*:read", "*:write"]}).json()
        self.url, self.number, tenant.token = service.url, number, key["secret"]
        self.tenant, self.token = tenant, key["secret"]
        inputs = [{"name": f"Given{n} Family{number}", "email": f"customer{n}@firm{number}.example"} for n in range(CONTACTS)]
        made = tenant.post("/v1/contacts/batch", {"operation": "create", "inputs": inputs}, 200).json()
        self.contacts = [result["record"]["id"] for result in made["results"]]

    def paths(self, kind):
        return {
            "read": [f"/v1/contacts/{contact}" for contact in self.contacts],
            "list": ["/v1/contacts?limit=50", "/v1/orders?limit=50", f"/v1/orders?contact_id={self.contacts[0]}", "/v1/tickets?limit=50"],
            "search": [f"/v1/search?q=given{n}" for n in range(1, CONTACTS, 7)],
            "write": ["/v1/orders"],
        }[kind]

    def body(self):
        lines = [{"name": "Tea", "unit_price": "10.00", "quantity": "2"}]
        return json.dumps({"contact_id": self.contacts[self.number % CONTACTS], "lines": lines, "payments": [{"amount": "20.00"}]})


class Sender:
    """One kind of request of one tenant, one after the other: so many, or one every so many seconds for so long."""

    def __init__(self, folder, firm, kind, count=None, seconds=None, every=0.0):
        self.kind, self.firm, self.taken, self.wrong = kind, firm, [], []
        self.thread = threading.Thread(target=self.send, args=(count, seconds, every))
        self.thread.start()

    def send(self, count, seconds, every):
        started = time.monotonic()
        write = {"data": self.firm.body(), "headers": {"content-type": "application/json"}} if self.kind == "write" else {}
        with requests.Session() as session:
            session.headers["authorization"] = f"Bearer {self.firm.token}"
            for n, path in enumerate(itertools.cycle(self.firm.paths(self.kind))):
                if n == count or (seconds and n * every >= seconds):
                    return
                time.sleep(max(0.0, started + n * every - time.monotonic()))
                before = time.perf_counter()
                answer = session.request("POST" if write else "GET", self.firm.url + path, timeout=30, **write)
                self.taken.append(time.perf_counter() - before)
                if not answer.ok:
                    self.wrong.append(answer.status_code)

    def times(self):
        """How long each request took, in seconds. One that failed is a failure of the whole."""
        self.thread.join()
        assert self.taken and not self.wrong, f"{self.kind} of tenant {self.firm.number}: {len(self.wrong)} of {len(self.taken)} failed: {self.wrong[:3]}"
        return self.taken


class Oha:
    """The same by `oha`, in a process of its own."""

    def __init__(self, folder, firm, kind, count=None, seconds=None, every=0.0):
        limits = ["-n", count] if count else ["-z", f"{seconds}s", "--burst-delay", f"{every:.3f}s", "--burst-rate", 1]
        name = f"{folder}/{firm.number}-{kind}-{time.monotonic_ns()}"
        self.kind, self.firm, self.log = kind, firm, f"{name}.sqlite"
        Path(f"{name}.txt").write_text("\n".join(firm.url + path for path in firm.paths(kind)))
        arguments = [OHA, "--no-tui", "--output-format", "quiet", "--db-url", self.log, "-c", "1", *limits]
        arguments += ["-H", f"authorization: Bearer {firm.token}", "--urls-from-file", f"{name}.txt"]
        if kind == "write":
            arguments += ["-m", "POST", "-T", "application/json", "-d", firm.body()]
        self.child = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL)

    def times(self):
        """How long each request took, in seconds. One that failed is a failure of the whole."""
        assert self.child.wait() == 0, self.kind
        with sqlite3.connect(self.log) as log:
            rows = log.execute("select duration, status from oha").fetchall()
        wrong = [status for _, status in rows if not 200 <= int(status) < 300]
        assert rows and not wrong, f"{self.kind} of tenant {self.firm.number}: {len(wrong)} of {len(rows)} failed: {wrong[:3]}"
        return [float(duration) for duration, _ in rows]


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Load:
    def __init__(self, service, folder, sender):
        self.process, self.folder, self.sender, self.rows = Process(service.child.pid), folder, sender, []
        with ThreadPoolExecutor(2) as pool:
            self.firms = list(pool.map(lambda number: Firm(service, number), range(TENANTS)))
        self.process.rest(REST)

    def note(self, what, value, unit, note=""):
        print(f"{what}: {value:.4g} {unit} {note}", flush=True)
        self.rows.append({"what": what, "value": f"{value:.4g}" if value < 1_000 else f"{value:,.0f}", "unit": unit, "note": note})

    def costs(self, count):
        """How many of each kind of request by itself are possible, and their processor time with all that follows from them."""
        for kind in SHARES:
            before, started = self.process.rest(REST), time.monotonic()
            times = [time for one in [self.sender(self.folder, firm, kind, count=count) for firm in self.firms[:4]] for time in one.times()]
            took = time.monotonic() - started
            used = self.process.rest(REST) - before
            self.note(f"requests a second, a {kind} each, as many as are possible", len(times) / took, "1/s", "four tenants, each one after the other")
            self.note(f"processor time of a {kind}", used / len(times) * 1e6, "µs", "with its events and workers" if kind == "write" else "")

    def mixed(self, seconds, rate, firms, loud=None):
        """All firms at once at a rate in all, of which the loud one sends ten times its share; the times by firm and kind."""
        each = rate / TENANTS
        running = []
        for firm in firms:
            for kind, share in SHARES.items():
                every = 100 / share / each / (10 if firm is loud else 1)
                running.append(self.sender(self.folder, firm, kind, seconds=seconds, every=every))
        return [(one.firm, one.kind, one.times()) for one in running]

    def mix(self, seconds, rate):
        samples, over = [], threading.Event()

        def watch():
            while not over.wait(seconds / 60):
                samples.append(self.process.memory())

        watching = threading.Thread(target=watch)
        watching.start()
        before, started = self.process.processor(), time.monotonic()
        found = self.mixed(seconds, rate, self.firms)
        took = time.monotonic() - started
        over.set()
        watching.join()
        used = self.process.rest(REST) - before
        every = [time for _, _, times in found for time in times]
        self.note("requests a second in the mix", len(every) / took, "1/s", f"{TENANTS} tenants, as many as were asked for, not as many as are possible")
        self.note("processor time of a request of the mix", used / len(every) * 1e6, "µs", "with its events and workers")
        for kind in SHARES:
            own = [time for _, of, times in found if of == kind for time in times]
            self.note(f"median of a {kind} in the mix", percentile(own, 0.5) * 1e3, "ms")
            self.note(f"slowest hundredth of a {kind} in the mix", percentile(own, 0.99) * 1e3, "ms")
        shares = {kind: sum(len(times) for _, of, times in found if of == kind) / len(every) * 100 for kind in SHARES}
        assert all(abs(shares[kind] - share) < 5 for kind, share in SHARES.items()), shares
        # The first third fills what is kept in memory.
        first, last = samples[len(samples) // 3 : len(samples) // 2], samples[-len(samples) // 6 :]
        growth = statistics.median(last) / statistics.median(first)
        self.note("memory at the end of the mix", statistics.median(last), "MB")
        self.note("memory at the end, beside that after a third of the time", growth, "", f"over {seconds / 60:.0f} minutes" if seconds >= 60 else f"over {seconds} s")
        assert growth < MOST_GROWTH, f"memory grows: {growth:.2f} times, {samples}"

    def loud(self, seconds, rate):
        """Whether one that sends ten times its share slows the others."""
        loud, others = self.firms[0], self.firms[1:]
        slowest = []
        for noisy in (None, loud):
            found = self.mixed(seconds, rate, self.firms, noisy)
            slowest.append(percentile([time for firm, _, times in found if firm in others for time in times], 0.99))
            self.process.rest(REST)
        calm, beside = slowest
        self.note("the others' slowest hundredth", calm * 1e3, "ms", "nobody is loud")
        self.note("the others' slowest hundredth beside a loud tenant", beside * 1e3, "ms", "one sends ten times its share")
        self.note("by how much a loud tenant slows the others", beside / calm, "", "slowest hundredth")
        assert beside < max(MOST_SLOWER * calm, NEVER_MIND), f"{calm:.3f} s, {beside:.3f} s"

    def queues(self, batches):
        """Whether a quiet tenant's work waits behind a loud one's: when each one's last is found."""
        loud, quiet = self.firms[:2]

        def batch(n):
            inputs = [{"name": f"Loud{n}x{k} Lead", "email": f"loud{n}x{k}@mail.example"} for k in range(100)]
            loud.tenant.post("/v1/leads/batch", {"operation": "create", "inputs": inputs}, 200)

        def found(firm, word):
            return lambda: firm.tenant.get(f"/v1/search?q={word}").json()["data"]

        started = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(batch, range(batches)))
        asked = time.monotonic()
        quiet.tenant.post("/v1/leads", {"name": "Quiet Lead"})
        eventually("the quiet tenant's lead", found(quiet, "quiet"), 120)
        waited = time.monotonic() - asked
        self.process.rest(REST)
        drained = time.monotonic() - started
        eventually("the loud tenant's last", found(loud, f"loud{batches - 1}x99"), 120)
        self.note("until a lead of a quiet tenant is found behind a loud one's work", waited, "s", f"{batches * 100} leads came just before")
        self.note("until all of the loud tenant's work is done", drained, "s")
        assert waited < max(MOST_WAIT * drained, WAY), f"{waited:.1f} s of {drained:.1f} s"


def measure(long, minutes, rate):
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder, Service(data=f"{folder}/data") as service:
        load = Load(service, folder, Oha if long else Sender)
        load.costs(500 if long else 40)
        load.queues(100 if long else 10)
        load.loud(60 if long else 8, rate)
        load.mix(minutes * 60 if long else 15, rate)
        return load.rows


def twenty_tenants_at_once():
    measure(False, 0, 40)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=60, help="requests a second in all")
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    if not asked.long:
        sys.exit(run([twenty_tenants_at_once]))
    results = ROOT / "tests/results/load.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(measure(True, asked.minutes, asked.rate), indent=2, ensure_ascii=False) + "\n")
