"""The service under test and what the checks share: a host in memory, a subscriber's server, waiting for a condition."""

import http.server
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(os.environ.get("RAPPORT_HOST", ROOT / "target/debug/host")).resolve()
PASSWORD = "correct horse battery staple"


def eventually(what, condition, seconds=20.0):
    """The first true value that `condition` gives."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.05)  # Between two looks at a condition, never instead of one.
    raise AssertionError(f"after {seconds:.0f} s still not: {what}")


class Service:
    """A host on a free port, in memory or with its data in a folder, ended with the block. Its webhooks go to loopback too, unless said otherwise."""

    def __init__(self, private_webhooks=True, data=None):
        self.options = ["--data", data] if data else ["--memory"]
        self.options += ["--allow-private-webhooks"] if private_webhooks else []

    def __enter__(self):
        self.errors = []
        self.child = subprocess.Popen(
            [HOST, "--port", "0", "--engines", "0", *self.options],
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.engines = None
        ready = queue.Queue()
        threading.Thread(target=self._read_errors, daemon=True).start()
        threading.Thread(target=lambda: ready.put(self.child.stdout.readline()), daemon=True).start()
        try:
            line = ready.get(timeout=60).strip()
        except queue.Empty:
            line = ""
        if not line.startswith("Rapport is ready at "):
            self.child.kill()
            raise SystemExit(f"the host did not start: {line!r} {''.join(self.errors)}")
        self.url = line.removeprefix("Rapport is ready at ")
        self.outbox = Path(tempfile.gettempdir(), f"rapport-{self.child.pid}", "outbox")
        eventually("the host tells where its engines answer", lambda: self.engines)
        return self

    def _read_errors(self):
        for line in self.child.stderr:
            self.errors.append(line)
            if line.startswith("Tables and queues answer at "):
                self.engines = line.split(" at ", 1)[1].strip()

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


class Tenant:
    """A firm that just signed up, and calls in its owner's name."""

    def __init__(self, service):
        self.url = service.url
        self.email = f"owner-{uuid.uuid4().hex}@firm.example"
        firm = {"company": "Firm", "name": "Owner", "email": self.email, "password": PASSWORD, "country": "US", "currency": "USD", "time_zone": "UTC"}
        answer = requests.post(f"{self.url}/v1/signup", json=firm, timeout=20)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        self.id, self.token = body["tenant"]["id"], body["access_token"]

    def call(self, method, path, expected, json=None, **headers):
        headers = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = requests.request(method, f"{self.url}{path}", json=json, headers=headers, timeout=20)
        assert answer.status_code == expected, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path, expected=200, **headers):
        return self.call("GET", path, expected, **headers)

    def post(self, path, body, expected=201, **headers):
        return self.call("POST", path, expected, body, **headers)

    def leads(self, **fields):
        """The leads whose fields are these."""
        return [lead for lead in self.get("/v1/leads?limit=200").json()["data"] if fields.items() <= lead.items()]


class Subscriber:
    """A server that keeps what it is told: `/503-once` fails the first time of each message, `/410` is gone, `/302` leads
    to `/trap`, others answer 200."""

    def __enter__(self):
        told, lock = [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with lock:
                    first = not any(path == self.path and headers["webhook-id"] == self.headers["webhook-id"] for path, headers, _ in told)
                    told.append((self.path, dict((name.lower(), value) for name, value in self.headers.items()), body))
                status = {"/302": 302, "/410": 410, "/503-once": 503 if first else 200}.get(self.path, 200)
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "/trap")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.told = told
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def at(self, path):
        """Headers and raw body of what was posted to a path so far."""
        return [(headers, body) for where, headers, body in list(self.told) if where == path]


def run(checks):
    """Runs named checks one after the other, tells of each failure, and gives the exit status."""
    passed = failed = 0
    for check in checks:
        started = time.monotonic()
        try:
            check()
            passed += 1
            verdict = "ok"
        except Exception as problem:  # A failed check must not hide the others.
            failed += 1
            verdict = f"FAILED: {type(problem).__name__}: {problem}"
        print(f"{check.__name__.replace('_', ' ')}: {verdict} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def compact(value):
    return json.dumps(value, separators=(",", ":"))
