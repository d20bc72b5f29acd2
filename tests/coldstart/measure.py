#!/usr/bin/env python3
"""How quickly each function starts and answers, and what it takes: its own program under a Lambda Runtime API on loopback.

    python measure.py                                  short: three functions, a few starts, held against the hello function
    python measure.py --programs target/lambda --runs 20 --all --save

A start is a new process. `init` is the time from its birth to its first poll, `first` the answer to the first request after it
(a read that finds its token valid, its route, and no such record), `warm` the median of ten more; processor time and peak memory
are of the process with all of these. Over TLS the table answers with a certificate that is trusted for the occasion, first with the
function's own credentials, then with those of a session that the function begins for each tenant, as in the cloud: one call more.
`hello` is `shared/runtime/examples/hello.rs`, a bare function that asks nobody.

The short form runs unoptimised programs, whose absolute figures say little: what it holds them to is the ratio to `hello`.
The last line is `N passed, N failed`; the exit status tells failure.
"""

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "template"))

from source import Template, crate, load  # noqa: E402
from stand_ins import ISSUER, SECRET, Firm, RuntimeApi, Tables, certificate, request, unpadded  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(os.environ.get("RAPPORT_HOST", ROOT / "target/debug/host")).resolve()
ID = "01h455vb4pex5vsknk084sn02q"
# A read of each function that is called by HTTP; of all but the console one that asks the table for something.
READS = {
    "console": "/health",
    "contacts": f"/v1/contacts/con_{ID}",
    "events": "/v1/events",
    "identity": f"/v1/users/usr_{ID}",
    "archives": f"/v1/archives/arc_{ID}",
    "imports": f"/v1/imports/imp_{ID}",
    "leads": f"/v1/leads/lead_{ID}",
    "operator": "/v1/operator/audit",
    "orders": f"/v1/orders/ord_{ID}",
    "reports": f"/v1/report-exports/rex_{ID}",
    "search": "/v1/search?q=lantern",
    "segments": "/v1/segments",
    "surveys": f"/v1/survey-invitations/svi_{ID}",
    "tickets": f"/v1/tickets/tkt_{ID}",
    "usage": "/v1/usage",
    "webhooks": f"/v1/webhook-endpoints/hep_{ID}",
    "win-backs": "/v1/win-backs",
}
# Asks nobody.
CONSOLE = "console"
# Takes keys of its own, and is nobody's tenant.
OPERATOR, OPERATOR_KEY = "operator", "ro_measured"
SHORT = ("identity", "leads", "orders")
HELLO = "hello"
# Where cargo leaves it when it is built as the archives' programs are.
LAMBDA_EXAMPLES = ROOT / "target/x86_64-unknown-linux-gnu/lambda-http/examples"
TITLES = {"init": "init ms", "first": "first ms", "warm": "warm ms", "cpu": "cpu ms", "memory": "peak MB"}
# How the tables are asked.
PLAIN, TLS, TLS_AND_ROLE = "plain HTTP", "TLS", "TLS, a role for each tenant"
ROLE = "arn:aws:iam::123456789012:role/measured"
# Milliseconds, megabytes: what optimised programs are held to.
MOST_MEMORY = {"memory": 15.0}
BUDGETS = {PLAIN: {"init": 10.0, "first": 5.0}, TLS: {"first": 2.0}, TLS_AND_ROLE: {"first": 2.5}}
# What unoptimised programs may take of hello's processor time and memory.
MOST_TIMES = {"cpu": 15.0, "memory": 6.0}


def forgotten():
    """The functions called by HTTP that have no read above, and reads of functions that are none."""
    template = Template(load())
    called = {crate(template.functions[name]) for _, name, _ in template.events("HttpApi")}
    return sorted(called ^ set(READS))


def settings():
    """A firm's settings as the product makes them."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen([HOST, "--memory", "--port", "0"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            url = child.stdout.readline().strip().removeprefix("Rapport is ready at ")
            firm = {"company": "Lantern Tea", "name": "Owner", "email": "owner@firm.example", "password": "correct horse battery staple"}
            signed = requests.post(f"{url}/v1/signup", json=firm, timeout=30).json()
            headers = {"authorization": f"Bearer {signed['access_token']}"}
            return signed["tenant"]["id"], requests.get(f"{url}/v1/settings", headers=headers, timeout=30).json()
        finally:
            child.terminate()
            child.wait(30)
            child.stdout.close()


def variables():
    """Every name of a table and a queue that a function may be given."""
    sources = (ROOT / "shared/store/src/key.rs").read_text(encoding="utf-8") + (ROOT / "shared/queue/src/message.rs").read_text(encoding="utf-8")
    names = {word.strip('"') for word in sources.replace(",", " ").split() if word.startswith(('"TABLE_', '"QUEUE_'))}
    assert len(names) > 20, names
    return {name: name.lower() if name.startswith("TABLE") else f"http://127.0.0.1:1/{name.lower()}" for name in names}


def used(pid):
    """Milliseconds of processor time and megabytes at the peak of a process that lives."""
    nanoseconds = sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return nanoseconds / 1e6, int(status["VmHWM"].split()[0]) / 1_000


class Bench:
    def __init__(self, firm, programs):
        self.firm, self.programs, self.api = firm, programs, RuntimeApi()

    async def start(self, tls):
        self.tables = Tables(self.firm.items)
        self.api_port, self.table_port = await self.api.start(), await self.tables.start(tls)
        self.scheme = "https" if tls else "http"

    def environment(self, name, authority, role):
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api_port}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_LOG_GROUP_NAME": name,
            "AWS_LAMBDA_LOG_STREAM_NAME": name,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "measured",
            "AWS_SECRET_ACCESS_KEY": "measured",
            "AWS_ENDPOINT_URL": f"{self.scheme}://127.0.0.1:{self.table_port}",
            "PUBLIC_URL": ISSUER,
            "SECRET_KEY": SECRET,
            "PUBLIC_KEYS": unpadded(self.firm.public),
            "OPERATOR_KEYS": f"measured={hashlib.sha256(OPERATOR_KEY.encode()).hexdigest()}",
            "RUST_LOG": "info",
        }
        given = {"SSL_CERT_FILE": authority and str(authority), "TENANT_ROLE": role}
        return environment | variables() | {variable: value for variable, value in given.items() if value}

    def program(self, name):
        places = [self.programs / name / "bootstrap", self.programs / name, self.programs / "examples" / name, LAMBDA_EXAMPLES / name]
        return next(path for path in places if path.is_file())

    async def once(self, name, authority, role):
        """One start: what it took."""
        self.api.begin()
        before, sessions = self.tables.calls, self.tables.sessions
        path, environment = READS.get(name, "/"), self.environment(name, authority, role)
        started = time.perf_counter()
        child = await asyncio.create_subprocess_exec(self.program(name), env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            await asyncio.wait_for(self.api.polled.wait(), 30)
            init = self.api.first_poll - started
            event = request(path, OPERATOR_KEY if name == OPERATOR else self.firm.token())
            first, answer = await self.api.invoke(event)
            warm = statistics.median([(await self.api.invoke(event))[0] for _ in range(10)])
            cpu, memory = used(child.pid)
        finally:
            child.kill()
            self.api.end()
            errors = (await child.communicate())[1].decode(errors="replace")
        status = json.loads(answer).get("statusCode")
        assert status in (200, 404), f"{name}: {status} {answer[:500]} {errors[-2_000:]}"
        asks = name not in (HELLO, CONSOLE)
        assert asks == (self.tables.calls > before), f"{name} asked the table {self.tables.calls - before} times"
        # One for the firm, and one that was rehearsed.
        begun, wanted = self.tables.sessions - sessions, 0 if not (role and asks) else 1 if name == OPERATOR else 2
        assert begun == wanted, f"{name} began {begun} sessions"
        return {"init": init * 1_000, "first": first * 1_000, "warm": warm * 1_000, "cpu": cpu, "memory": memory}

    async def measure(self, names, runs, *way):
        """Medians of all figures by name; the functions take turns, so that a busy moment meets all of them."""
        taken = {name: [] for name in names}
        for _ in range(runs):
            for name in names:
                taken[name].append(await self.once(name, *way))
        return {name: {figure: statistics.median(run[figure] for run in all) for figure in all[0]} for name, all in taken.items()}


def table(figures, title):
    print(f"{title:<16}" + "".join(f"{unit:>10}" for unit in TITLES.values()))
    for name, one in figures.items():
        print(f"{name:<16}" + "".join(f"{one[figure]:>10.2f}" for figure in TITLES))


def over(figures, optimised, way):
    """What is over its budget, by name."""
    hello, found = figures[HELLO], {}
    for name, one in figures.items():
        if name == HELLO:
            continue
        if not optimised:
            limits = {figure: hello[figure] * times for figure, times in MOST_TIMES.items()}
        else:
            limits = MOST_MEMORY | BUDGETS[way]
        found[name] = [f"{figure} {one[figure]:.1f}, at most {most:.1f}" for figure, most in limits.items() if one[figure] > most]
    return found


async def run(options):
    tenant, given = settings()
    names = [HELLO, *(sorted(READS) if options.all else SHORT)]
    optimised, rows, findings = options.programs.name == "lambda", [], {"functions without a read": forgotten()}
    with tempfile.TemporaryDirectory() as folder:
        context, authority = certificate(Path(folder))
        for way, tls, trusted, role in ((PLAIN, None, None, None), (TLS, context, authority, None), (TLS_AND_ROLE, context, authority, ROLE)):
            bench = Bench(Firm(tenant, given), options.programs)
            await bench.start(tls)
            figures = await bench.measure(names, options.runs, trusted, role)
            table(figures, way)
            findings |= {f"{name} over {way}": found for name, found in over(figures, optimised, way).items()}
            rows += [{"function": name, "tables over": way} | {TITLES[figure]: round(one[figure], 2) for figure in TITLES} for name, one in figures.items()]
    if options.save:
        target = ROOT / "tests/results/coldstart.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=ROOT / "target/debug", help="the folder of the programs; of `lambda` they are optimised")
    parser.add_argument("--runs", type=int, default=3, help="starts of each function")
    parser.add_argument("--all", action="store_true", help="every function that answers HTTP")
    parser.add_argument("--save", action="store_true", help="write tests/results/coldstart.json")
    findings = asyncio.run(run(parser.parse_args()))
    for name, found in findings.items():
        if found:
            print(f"FAILED {name}: {'; '.join(found)}")
    failed = sum(bool(found) for found in findings.values())
    print(f"{len(findings) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
