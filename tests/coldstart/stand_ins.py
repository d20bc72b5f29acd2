"""What a program of a function talks to when it is measured: a Lambda Runtime API, and a table that knows one firm's settings.

Both answer on loopback from one event loop, with as little work as can be, since their own time is in every figure.
"""

import asyncio
import base64
import datetime
import hashlib
import ipaddress
import json
import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SECRET = base64.b64encode(bytes(range(32))).decode()
ISSUER = "http://127.0.0.1:1"


def parsed(received):
    """The first line, headers and body of a request, and how many bytes it took; `None` while there is more to come."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, at = received[:end].decode("latin-1").split("\r\n"), end + 4
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if headers.get("transfer-encoding", "").lower() != "chunked":
        end = at + int(headers.get("content-length", 0))
        return (head[0], headers, received[at:end], end) if len(received) >= end else None
    body = b""
    while (line := received.find(b"\r\n", at)) >= 0:
        size, begin = int(received[at:line].split(b";")[0], 16), line + 2
        at = begin + size + 2
        if len(received) < at:
            return None
        if size == 0:
            return head[0], headers, body, at
        body += received[begin : begin + size]
    return None


def message(status, body=b"", headers=()):
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + body


class Connection(asyncio.Protocol):
    """A connection whose requests are handed on as they come, without a task in between: `serve(connection, line, headers, body)`."""

    def __init__(self, serve):
        self.serve, self.received = serve, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while read := parsed(self.received):
            *request, taken = read
            self.received = self.received[taken:]
            self.serve(self, *request)

    def write(self, *answer):
        self.transport.write(message(*answer))


async def listen(serve, tls=None):
    """A server on loopback, and its port."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(serve), "127.0.0.1", 0, ssl=tls)
    return server, server.sockets[0].getsockname()[1]


class RuntimeApi:
    """The Runtime API of one program at a time: what it asks for and answers is noted with its moment."""

    def __init__(self):
        self.begin()

    def begin(self):
        self.polled, self.waiting, self.answered, self.first_poll = asyncio.Event(), None, None, None

    def end(self):
        """Lets go of the program that waits for an event."""
        if self.waiting:
            self.waiting.transport.close()

    async def start(self):
        self.server, port = await listen(self.serve)
        return port

    async def invoke(self, event):
        """Seconds until the event is answered, and the answer."""
        await asyncio.wait_for(self.polled.wait(), 30)
        self.polled.clear()
        self.answered = asyncio.get_running_loop().create_future()
        headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            ("lambda-runtime-deadline-ms", int((time.time() + 30) * 1_000)),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:measured"),
        ]
        started = time.perf_counter()
        self.waiting.write("200 OK", event, headers)
        answer, at = await asyncio.wait_for(self.answered, 30)
        return at - started, answer

    def serve(self, connection, line, headers, body):
        at = time.perf_counter()
        method, path, _ = line.split(" ")
        if method == "GET" and path.endswith("/invocation/next"):
            self.first_poll = self.first_poll or at
            self.waiting = connection
            self.polled.set()
            return
        if "/invocation/" in path:
            self.answered.set_result((body, at))
        connection.write("202 Accepted")


SESSION = (
    b"<AssumeRoleResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><AssumeRoleResult><Credentials>"
    b"<AccessKeyId>measured</AccessKeyId><SecretAccessKey>measured</SecretAccessKey><SessionToken>measured</SessionToken>"
    b"<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


class Tables:
    """DynamoDB as far as a read needs it: every item is missing but the settings of the firm. And STS, whose sessions all are the same."""

    def __init__(self, items):
        self.items, self.calls, self.sessions = items, 0, 0

    async def start(self, tls=None):
        self.server, port = await listen(self.serve, tls)
        return port

    def serve(self, connection, line, headers, body):
        self.calls += 1
        if b"Action=AssumeRole" in body:
            self.sessions += 1
            connection.write("200 OK", SESSION, [("content-type", "text/xml")])
            return
        answer = json.dumps(self.answer(headers.get("x-amz-target", ""), json.loads(body or b"{}"))).encode()
        connection.write("200 OK", answer, [("content-type", "application/x-amz-json-1.0")])

    def answer(self, target, request):
        used = {"TableName": request.get("TableName", ""), "CapacityUnits": 0.5}
        if target.endswith(".Query"):
            # "pk = :p AND …": the third word names the partition.
            name = request["KeyConditionExpression"].split()[2]
            partition = request["ExpressionAttributeValues"][name]["S"]
            items = [item for item in self.items if item["pk"]["S"] == partition]
            return {"Items": items, "Count": len(items), "ScannedCount": len(items), "ConsumedCapacity": used}
        if target.endswith(".BatchGetItem"):
            return {"Responses": {}, "UnprocessedKeys": {}}
        return {"ConsumedCapacity": used}


def unpadded(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Firm:
    """A firm whose owner's token every function takes: signed here, since signing is not what is measured."""

    def __init__(self, tenant, settings):
        self.tenant = tenant
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        row = {"pk": {"S": f"{tenant}#settings"}, "sk": {"S": "settings"}, "v": {"N": "1"}, "doc": {"S": json.dumps(settings)}}
        self.items = [row]

    def token(self):
        now = int(time.time())
        header = {"alg": "EdDSA", "typ": "JWT", "kid": unpadded(hashlib.sha256(self.public).digest()[:12])}
        claims = {
            "iss": ISSUER,
            "aud": "rapport",
            "sub": "usr_01h455vb4pex5vsknk084sn02q",
            "tid": self.tenant,
            "role": "owner",
            "scope": "*",
            "iat": now,
            "exp": now + 900,
            "jti": "ses_01h455vb4pex5vsknk084sn02q",
        }
        text = ".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{unpadded(self.key.sign(text.encode()))}"


def request(path, token):
    """A GET as the HTTP API of API Gateway hands it over, format 2.0."""
    return json.dumps(
        {
            "version": "2.0",
            "routeKey": f"GET {path}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"authorization": f"Bearer {token}", "host": "api.rapport.example", "accept": "application/json"},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": "api.rapport.example",
                "domainPrefix": "api",
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "measure"},
                "requestId": "id",
                "routeKey": f"GET {path}",
                "stage": "$default",
                "time": "28/Nov/2026:00:00:00 +0000",
                "timeEpoch": 1795824000000,
            },
            "isBase64Encoded": False,
        }
    ).encode()


def certificate(folder: Path):
    """A TLS context for 127.0.0.1, and the file of the authority that it is to be trusted by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority, private = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority
