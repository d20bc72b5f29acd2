"""A stand-in for the cloud on loopback (MiniStack), ended with its block, and the archives that are deployed into it."""

import base64
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

import boto3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
BUCKET = "archives"


def eventually(what, condition, seconds=60.0):
    """The first true value that `condition` gives."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)  # Between two looks at a condition, never instead of one.
    raise AssertionError(f"after {seconds:.0f} s still not: {what}")


class Cloud:
    """MiniStack on a free port, with nothing of the caller's account to be seen."""

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        environment |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "GATEWAY_PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "TMPDIR": self.folder.name,
        }
        self.log = open(Path(self.folder.name) / "cloud.log", "w+", encoding="utf-8")
        self.child = subprocess.Popen(
            [sys.executable, "-m", "ministack"], cwd=self.folder.name, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.session = boto3.Session("test", "test", region_name=REGION)
        try:
            eventually("the cloud answers", self._answers)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def _answers(self):
        if self.child.poll() is not None:
            raise SystemExit(f"the cloud ended: {self.said()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def client(self, service):
        return self.session.client(service, endpoint_url=self.url)

    def said(self):
        """The last that it logged."""
        return Path(self.log.name).read_text(encoding="utf-8")[-4_000:]

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()
        self.folder.cleanup()


def archive(program, note=""):
    """A program as Lambda takes it. Without symbols of debugging, which are most of an unoptimised one; `note` makes it another."""
    with tempfile.TemporaryDirectory() as folder:
        slim = Path(folder) / "bootstrap"
        subprocess.run(["strip", "--strip-debug", "-o", slim, program], check=True)
        return zipped({"bootstrap": slim.read_bytes()} | ({"note.txt": note.encode()} if note else {}))


def zipped(files):
    """Files as one archive, each of them executable."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o755 << 16
            pack.writestr(entry, content)
    return out.getvalue()


def secrets():
    """What the service's secret holds, made anew."""
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    text = lambda raw: base64.b64encode(raw).decode()
    return json.dumps(
        {
            "secret_key": text(os.urandom(32)),
            "signing_key": text(seed),
            "public_keys": base64.urlsafe_b64encode(public).decode().rstrip("="),
            "operator_keys": f"operator={hashlib.sha256(os.urandom(32)).hexdigest()}",
        }
    )


class Door:
    """The deployed HTTP interface: every call goes to loopback and names the API in its Host."""

    def __init__(self, cloud, api):
        self.url, self.host, self.token = cloud.url, f"{api}.execute-api.localhost:{cloud.port}", None

    def call(self, method, path, body=None):
        """Status and JSON of an answer."""
        headers = {"host": self.host, "content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            self.url + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
            try:
                return refusal.code, json.loads(text or b"null")
            except ValueError:
                return refusal.code, text.decode(errors="replace")
