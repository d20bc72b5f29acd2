#!/usr/bin/env python3
"""Attacks on the running service, over HTTP and over bare sockets, as somebody would who wants in.

    python verify.py           runs target/debug/host, or the program that RAPPORT_HOST names

Everything stays on loopback: a host in memory, another that sends webhooks to public addresses only, and a subscriber's
server. The last line is `N passed, N failed`; the exit status tells failure. Attacks that need the inside (a clock, a signing
key, another address of the caller) are Rust tests: `tests/faults`, and units beside the code.
"""

import base64
import csv
import email
import email.policy
import hashlib
import hmac
import io
import json
import re
import socket
import statistics
import sys
import threading
import time
import uuid
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

import requests  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey  # noqa: E402

from service import HOST, PASSWORD, Service, Subscriber, Tenant, eventually, run  # noqa: E402

HEADINGS = "name,email,title,note\n"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=HYPERLINK(\"http://a.example\",\"x\")", "=cmd|' /C calc'!A0", "＝1+1"]


def b64url(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def checks(service, strict, subscriber):
    """The attacks, in their order; each has a tenant of its own."""
    port = int(service.url.rsplit(":", 1)[1])

    def talk(data, seconds=5.0):
        """Says bytes, half-closes, and gives the statuses of the answers and whether the connection was ended."""
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as wire:
            answers, ended = b"", False
            try:
                wire.sendall(data)
                while chunk := wire.recv(65_536):
                    answers += chunk
                ended = True
            except TimeoutError:
                pass
            except ConnectionError:
                ended = True
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)], ended

    def sign_in(user, password, **headers):
        form = {"grant_type": "password", "username": user, "password": password}
        return requests.post(f"{service.url}/v1/auth/token", data=form, headers=headers, timeout=30)

    def me(token):
        return requests.get(f"{service.url}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=20).status_code

    # ------------------------------------------------------------ heads that two readers would read differently

    def no_request_hides_within_another():
        hidden = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        post = b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\n"
        get = b"GET /health HTTP/1.1\r\n"
        for what, data in {
            "two lengths": post + b"Content-Length: 6\r\nContent-Length: 40\r\n\r\nabcdef" + hidden,
            "a list of lengths": post + b"Content-Length: 6, 6\r\n\r\nabcdef",
            "a signed length": post + b"Content-Length: +6\r\n\r\nabcdef",
            "a hexadecimal length": post + b"Content-Length: 0x6\r\n\r\nabcdef",
            "a negative length": post + b"Content-Length: -1\r\n\r\n",
            "a length without end": post + b"Content-Length: 99999999999999999999\r\n\r\nabc",
            "another coding after chunked": post + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
            "a coding nobody knows": post + b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + hidden,
            "a space before the colon": post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
            "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
            "a negative chunk": post + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n" + hidden,
            "a chunk without end": post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n",
            "a long extension of a chunk": post + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 100_000 + b"\r\nx\r\n0\r\n\r\n",
            "a folded header": get + b"Host: x\r\nX-A: b\r\n Content-Length: 5\r\n\r\n",
            "a lone carriage return": get + b"Host: x\rContent-Length: 5\r\n\r\n",
            "a null": get + b"Host: x\r\nX: a\0b\r\n\r\n",
            "a space in a name": get + b"Host: x\r\nX A: b\r\n\r\n",
            "no host": get + b"\r\n",
            "two hosts": get + b"Host: a\r\nHost: b\r\n\r\n",
            "a host that is none": get + b"Host: a/b@c\r\n\r\n",
            "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "another version": b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
        }.items():
            answers, _ = talk(data, 2.0)
            assert answers in ([], [400]), f"{what}: {answers}"
        # Both kinds of length: the chunks count, the rest is not another request, and nothing more is taken from this caller.
        answers, ended = talk(post + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
        assert len(answers) == 1 and 400 <= answers[0] < 500 and ended, (answers, ended)
        # What is no trick: pipelined requests are answered one after the other.
        answers, _ = talk(hidden + hidden.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert answers == [200, 200], answers

    def what_a_caller_says_of_himself_counts_for_nothing():
        tenant = Tenant(service)
        claimed = {
            "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "for=10.0.0.1;host=evil.example",
            "X-Original-URL": "/health", "X-Rewrite-URL": "/health", "X-HTTP-Method-Override": "DELETE",
            "X-Amzn-Request-Context": json.dumps({"authorizer": {"lambda": {"tid": "tnt_x"}}, "http": {"sourceIp": "9.9.9.9"}}),
            "X-Amzn-Lambda-Context": "{}", "X-Amz-Invocation-Type": "Event", "Lambda-Runtime-Aws-Request-Id": "1",
        }
        made = tenant.post("/v1/leads", {"name": "Lead"}, **claimed)
        assert "evil.example" not in made.text + str(made.headers), made.headers
        path = made.headers["location"]
        tenant.call("GET", path[path.index("/v1/"):], 200, **claimed)
        anybody = requests.get(f"{service.url}/v1/leads", headers=claimed, timeout=20)
        assert anybody.status_code == 401, anybody.text
        mail = tenant.email
        for n in range(12):
            spoofed = {"X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}", "CF-Connecting-IP": f"203.0.113.{n}"}
            if sign_in(mail, "not the password", **spoofed).status_code == 429:
                break
        assert n == 5, f"it was locked after {n} tries"

    # ------------------------------------------------------------ too much and too slow

    def bodies_without_end_are_cut_off():
        tenant = Tenant(service)
        url, headers = f"{service.url}/v1/leads", {"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/json"}
        body = b'{"name":"' + b"x" * (1 << 20) + b'"}'
        for data in (body, body[: (1 << 20) - 1] + b'"}', b" " * (6 << 20)):
            assert requests.post(url, data=data, headers=headers, timeout=30).status_code == 413, len(data)
        for deep in (b"[" * 500_000, b'{"a":' * 150_000, b'{"custom":' + b"[" * 200 + b"]" * 200 + b"}"):
            assert requests.post(url, data=deep, headers=headers, timeout=30).status_code == 400, deep[:20]
        zipped = {**headers, "Content-Encoding": "gzip"}
        assert requests.post(url, data=b"\x1f\x8b\x08\0\0\0\0\0\0\3", headers=zipped, timeout=30).status_code in (400, 415)
        # Refused before it is sent.
        announced = b"POST /v1/leads HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
        answers, _ = talk(announced, 3.0)
        assert answers == [413], answers

        # Chunk after chunk: at most 6 MiB and what is under way.
        with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
            wire.sendall(b"POST /v1/leads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk, sent = b"10000\r\n" + b"x" * 0x10000 + b"\r\n", 0
            try:
                while sent < 64 << 20:
                    wire.sendall(chunk)
                    sent += len(chunk)
            except (ConnectionError, TimeoutError):
                pass
        assert sent < 32 << 20, f"{sent} bytes of a body were taken"
        heads = {
            "a header": b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
            "headers": b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
            "an address": b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        }
        for what, data in heads.items():
            answers, ended = talk(data)
            assert answers in ([431], [414]) and ended, f"{what}: {answers}"

    def a_body_full_of_one_thing_is_soon_refused_in_few_words():
        tenant = Tenant(service)
        contact = tenant.post("/v1/contacts", {"name": "Contact"}).json()["id"]
        text, line = {"en": "x"}, {"name": "x", "unit_price": "1.00"}
        for what, method, path, body in (
            ("tags", "POST", "/v1/leads", {"name": "A", "tags": [f"t{n}" for n in range(60_000)]}),
            ("own fields", "POST", "/v1/leads", {"name": "A", "custom": {f"t{n}": 1 for n in range(60_000)}}),
            ("outer ids", "POST", "/v1/leads", {"name": "A", "external_ids": {f"t{n}": "1" for n in range(60_000)}}),
            ("fields nobody knows", "POST", "/v1/leads", {f"t{n}": 1 for n in range(60_000)}),
            ("addresses", "POST", "/v1/contacts", {"name": "A", "emails": [{"address": f"a{n}@b.co"} for n in range(30_000)]}),
            ("numbers", "POST", "/v1/contacts", {"name": "A", "phones": [{"number": f"+1415555{n:04}"} for n in range(30_000)]}),
            ("lines", "POST", "/v1/orders", {"contact_id": contact, "lines": [line] * 25_000}),
            ("payments", "POST", "/v1/orders", {"contact_id": contact, "lines": [line], "payments": [{"amount": "0.01"}] * 30_000}),
            ("records", "POST", "/v1/leads/batch", {"operation": "create", "inputs": [{"name": "a"}] * 50_000}),
            ("groups of filters", "POST", "/v1/leads/search", {"filter_groups": [{"filters": [{"field": "name", "op": "eq", "value": "a"}]}] * 12_000}),
            ("values of a filter", "POST", "/v1/leads/search", {"filter_groups": [{"filters": [{"field": "name", "op": "in", "value": [str(n) for n in range(60_000)]}]}]}),
            ("records to merge", "POST", f"/v1/contacts/{contact}/merge", {"from": [contact] * 30_000}),
            ("items", "POST", "/v1/surveys", {"name": "S", "metric": "csat", "question": text, "items": [{"key": f"k{n}", "kind": "text", "text": text} for n in range(14_000)]}),
            ("choices", "POST", "/v1/surveys", {"name": "S", "metric": "csat", "question": text, "items": [{"key": "k", "kind": "choice", "text": text, "choices": [{"key": f"c{n}", "text": text} for n in range(20_000)]}]}),
            ("types", "POST", "/v1/webhook-endpoints", {"url": "https://a.example/", "event_types": ["lead.created"] * 50_000}),
            ("lines of a mapping", "POST", "/v1/webhook-sources", {"name": "a", "kind": "generic", "mapping": {f"custom.x{n}": "$.a" for n in range(30_000)}}),
            ("steps of a path", "POST", "/v1/webhook-sources", {"name": "a", "kind": "generic", "mapping": {"name": "$" + ".a" * 400_000}}),
            ("origins", "PATCH", "/v1/settings", {"allowed_origins": [f"https://a{n}.example" for n in range(25_000)]}),
            ("hours", "PATCH", "/v1/settings", {"working_hours": {"mon": [["09:00", "12:00"]] * 40_000}}),
            ("marks on a letter", "POST", "/v1/leads", {"name": "a" + "\u0301\u0316" * 200_000}),
            ("digits", "POST", "/v1/leads", {"name": "a", "value": {"amount": "1" * 900_000, "currency": "USD"}}),
            ("digits of a number", "POST", "/v1/leads", {"name": "a", "phone": "1" * 900_000}),
            ("letters of an address", "POST", "/v1/leads", {"name": "a", "email": "a" * 500_000 + "@b.co"}),
        ):
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            assert len(data) < 1 << 20, what
            began = time.monotonic()
            answer = requests.request(method, f"{service.url}{path}", data=data, headers={"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/json"}, timeout=60)
            spent = time.monotonic() - began
            assert answer.status_code == 422 and len(answer.content) < 100_000 and spent < 6, f"{what}: {answer.status_code}, {len(answer.content)} bytes after {spent:.1f} s"

    def memory_does_not_follow_what_a_file_claims():
        tenant = Tenant(service)

        def peak():
            status = Path(f"/proc/{service.child.pid}/status")
            return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 1_024 if status.exists() else 0

        def book(sheet, strings=b""):
            main, of = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{of}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>')
                archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{of}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
                archive.writestr("xl/worksheets/sheet1.xml", b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main.encode(), sheet))
                archive.writestr("xl/sharedStrings.xml", b'<sst xmlns="%s">%s</sst>' % (main.encode(), strings))
            return packed.getvalue()

        text = b"<si><t>" + b"x" * (12 << 20) + b"</t></si>"
        columns = [chr(65 + n // 26 - 1) + chr(65 + n % 26) if n > 25 else chr(65 + n) for n in range(200)]
        claims = {
            "zeros": book(b"\0" * (65 << 20)),
            "one text in 200 columns": book(b'<row r="1">' + b"".join(b'<c r="%s1" t="s"><v>0</v></c>' % name.encode() for name in columns) + b"</row>", text),
            "one text in one cell, many times": book(b'<row r="1">' + b'<c r="A1" t="s"><v>0</v></c>' * 200_000 + b"</row>", text),
            "an entity of entities": book(b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><row r='1'><c r='A1' t='str'><v>&b;</v></c></row>"),
        }
        before = peak()
        for what, data in claims.items():
            assert len(data) < 4 << 20, what
            started = time.monotonic()
            answer = requests.post(f"{service.url}/v1/imports?kind=contacts", data=data, headers={"Authorization": f"Bearer {tenant.token}", "Content-Type": "application/octet-stream"}, timeout=60)
            assert answer.status_code == 422, f"{what}: {answer.status_code} {answer.text[:300]}"
            assert time.monotonic() - started < 30, f"{what} took too long"
        grown = peak() - before
        assert grown < 400, f"memory grew by {grown} MB"

    def the_slow_are_cut_off_and_hold_up_nobody():
        opened = time.monotonic()
        head = b"POST /v1/leads HTTP/1.1\r\nHost: x\r\n"
        slow = [(socket.create_connection(("127.0.0.1", port)), limit, start) for limit, start in [(13, b"GET /health HTT"), (13, head), (35, head + b"Content-Length: 1000\r\n\r\n")] for _ in range(40)]
        for wire, _, start in slow:
            wire.sendall(start)
            wire.setblocking(False)
        # Nothing that others ask waits for them.
        for _ in range(10):
            began = time.monotonic()
            assert requests.get(f"{service.url}/health", timeout=5).status_code == 200
            assert time.monotonic() - began < 2
        open_ones, step = slow, 0
        while open_ones:
            assert time.monotonic() - opened < 60, f"{len(open_ones)} are still open"
            left = []
            for wire, limit, start in open_ones:
                try:
                    wire.send(b"x" if start.endswith(b"\r\n\r\n") else b"X-%d: y\r\n" % step)
                    if wire.recv(4_096) == b"":
                        raise ConnectionError
                except BlockingIOError:
                    pass
                except ConnectionError:
                    after = time.monotonic() - opened
                    assert after < limit + 10, f"one that sent {start!r} was heard for {after:.0f} s"
                    wire.close()
                    continue
                left.append((wire, limit, start))
            open_ones, step = left, step + 1
            time.sleep(0.5)  # The attackers' own pace.

    # ------------------------------------------------------------ tokens

    def no_other_algorithm_and_no_other_key_signs():
        tenant = Tenant(service)
        head, claims, signature = tenant.token.split(".")
        header = json.loads(base64.urlsafe_b64decode(head + "=="))
        told = json.loads(base64.urlsafe_b64decode(claims + "=="))
        jwk = requests.get(f"{service.url}/.well-known/jwks.json", timeout=20).json()["keys"][0]
        public = base64.urlsafe_b64decode(jwk["x"] + "==")
        pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        der = Ed25519PublicKey.from_public_bytes(public).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        mine, rsa_key, ec_key = Ed25519PrivateKey.generate(), rsa.generate_private_key(65_537, 2_048), ec.generate_private_key(ec.SECP256R1())
        my_jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url(mine.public_key().public_bytes_raw()), "kid": header["kid"]}
        raised = {**told, "exp": told["exp"] + 10**6, "scope": "users:write", "tid": "tnt_00000000000000000000000000"}

        def signed(fields, sign, payload=None):
            text = f"{b64url({**header, **fields})}.{payload or b64url(raised)}"
            return f"{text}.{b64url(sign(text.encode()))}"

        def mac(key, digest=hashlib.sha256):
            return lambda text: hmac.new(key, text, digest).digest()

        forged = {
            **{f"alg {name}": f"{b64url({**header, 'alg': name})}.{claims}.{tail}" for name in ("none", "None", "NONE", "nOnE", "") for tail in ("", signature)},
            **{f"{name} with the public key as {form}": signed({"alg": name}, mac(key, digest)) for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)) for form, key in (("bytes", public), ("text", jwk["x"].encode()), ("PEM", pem), ("DER", der), ("nothing", b""))},
            "RS256": signed({"alg": "RS256"}, lambda text: rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA256())),
            "ES256": signed({"alg": "ES256"}, lambda text: ec_key.sign(text, ec.ECDSA(hashes.SHA256()))),
            "another key under the same id": signed({}, mine.sign),
            "a key of its own in jwk": signed({"jwk": my_jwk}, mine.sign),
            "a key at an address": signed({"jku": f"{subscriber.url}/jwks", "x5u": f"{subscriber.url}/x5u"}, mine.sign),
            **{f"the id {kid!r}": signed({"kid": kid}, mine.sign) for kid in ("", "/dev/null", "../../key", "' OR 1=1 --", header["kid"] + "\0", header["kid"].lower() + "x")},
            "no id": f"{b64url({key: value for key, value in header.items() if key != 'kid'})}.{claims}.{signature}",
            "crit": f"{b64url({**header, 'crit': ['b64'], 'b64': False})}.{claims}.{signature}",
            "claims twice": signed({}, mine.sign, b64url(('{"tid":"' + told["tid"] + '",' + json.dumps(raised)[1:]).encode())),
            "other claims, the same signature": f"{head}.{b64url(raised)}.{signature}",
            "a signature cut short": tenant.token[:-4],
            "a signature of zeros": f"{head}.{claims}.{b64url(bytes(64))}",
            "padding": tenant.token + "=",
            "a fourth part": f"{tenant.token}.x",
            "the key as JSON": json.dumps({"protected": head, "payload": claims, "signature": signature}),
        }
        assert me(tenant.token) == 200
        accepted = [what for what, token in forged.items() if me(token) != 401]
        assert not accepted, accepted
        assert not subscriber.at("/jwks") and not subscriber.at("/x5u"), "an address in a token was called"

    def a_token_is_good_for_one_thing():
        tenant, other = Tenant(service), Tenant(service)
        answer = sign_in(tenant.email, PASSWORD).json()
        key = tenant.post("/v1/api-keys", {"name": "Key", "scopes": ["leads:read"]}).json()
        secret = key["secret"]
        source = tenant.post("/v1/webhook-sources", {"name": "Source", "kind": "generic"}).json()
        hook = source["url"].rsplit("/", 1)[1]
        tokens = {"access": answer["access_token"], "refresh": answer["refresh_token"], "key": secret, "hook": hook}
        for kind, token in tokens.items():
            assert (me(token) == 200) == (kind in ("access", "key")), kind
            if kind != "refresh":
                form = {"grant_type": "refresh_token", "refresh_token": token}
                assert requests.post(f"{service.url}/v1/auth/token", data=form, timeout=20).status_code == 401, kind
            for path, field in (("/v1/auth/password/reset", "token"), ("/v1/invitations/accept", "token")):
                used = requests.post(f"{service.url}{path}", json={field: token, "password": PASSWORD + "!", **({"name": "A"} if "accept" in path else {})}, timeout=20)
                assert used.status_code in (401, 404, 422), (kind, path, used.text)
            if kind != "hook":
                assert requests.post(f"{service.url}/hooks/{token}", data=b"{}", timeout=20).status_code == 404, kind
            assert requests.get(f"{service.url}/s/{token}", timeout=20).status_code in (400, 404, 410), kind
        # Not less and not more than the key, nor the same in other letters.
        assert me(secret) == 200
        wrong = [secret[:length] for length in range(0, len(secret), 7)] + [secret + tail for tail in ("=", "A", " x", "%00")] + [secret.swapcase(), secret[:-1] + ("A" if secret[-1] != "A" else "B"), secret.replace("rk_live_", "rk_test_")]
        accepted = [token for token in wrong if me(token) != 401]
        assert not accepted, accepted
        # Another's tenant is not had by naming it.
        form = {"grant_type": "password", "username": tenant.email, "password": PASSWORD, "tenant": other.id}
        assert requests.post(f"{service.url}/v1/auth/token", data=form, timeout=20).status_code == 401
        for header in ("Rapport-Tenant", "X-Tenant-Id", "X-Tenant"):
            assert tenant.call("GET", "/v1/me", 200, **{header: other.id}).json()["tenant"]["id"] == tenant.id
        # A refresh token used again ends the session, also for whoever has the newer one.
        form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
        newer = requests.post(f"{service.url}/v1/auth/token", data=form, timeout=20).json()["refresh_token"]
        for token in (answer["refresh_token"], newer):
            again = requests.post(f"{service.url}/v1/auth/token", data={**form, "refresh_token": token}, timeout=20)
            assert again.status_code == 401, again.text

    # ------------------------------------------------------------ guessing

    def guessing_is_locked_and_tells_nothing():
        tenant = Tenant(service)
        known = [sign_in(tenant.email, f"wrong password {n}") for n in range(8)]
        unknown_address = f"nobody-{uuid.uuid4().hex}@firm.example"
        unknown = [sign_in(unknown_address, f"wrong password {n}") for n in range(8)]
        assert [answer.status_code for answer in known] == [answer.status_code for answer in unknown] == [401] * 5 + [429] * 3

        def shown(answer):
            body = {name: value for name, value in answer.json().items() if name != "request_id"}
            return answer.status_code, body, sorted(name for name in answer.headers if name not in ("retry-after",))

        for one, other in zip(known[:5], unknown[:5]):
            assert shown(one) == shown(other)
        # Locked, the right password opens nothing either; nor is the lock there for another account.
        assert sign_in(tenant.email, PASSWORD).status_code == 429
        assert sign_in(tenant.email.upper(), PASSWORD).status_code == 429, "the lock is round the address, however it is written"
        other = Tenant(service)
        assert sign_in(other.email, PASSWORD).status_code == 200
        # Many at once are as many.
        target, answers = Tenant(service), []
        guesses = [threading.Thread(target=lambda n=n: answers.append(sign_in(target.email, f"guess {n}").status_code)) for n in range(20)]
        for guess in guesses:
            guess.start()
        for guess in guesses:
            guess.join()
        assert answers.count(401) <= 5 and set(answers) <= {401, 429, 503}, answers

    def an_unknown_address_takes_as_long_as_a_wrong_password():
        tenants = [Tenant(service) for _ in range(6)]
        ratios = []
        for _ in range(4):
            for tenant in tenants:
                times = []
                # Which of the two comes first alternates, so that what else the machine does hits both alike.
                pair = [tenant.email, f"nobody-{uuid.uuid4().hex}@firm.example"]
                for address in pair if len(ratios) % 2 else reversed(pair):
                    began = time.perf_counter()
                    assert sign_in(address, "not the password").status_code == 401
                    times.append((address, time.perf_counter() - began))
                spent = dict(times)
                ratios.append(spent[pair[0]] / spent[pair[1]])
        middle = statistics.median(ratios)
        assert 0.7 < middle < 1.4, f"known to unknown, median of {len(ratios)} pairs: {middle:.2f}"

    # ------------------------------------------------------------ what reaches spreadsheets and mails

    def no_file_holds_a_formula():
        tenant = Tenant(service)
        rows = io.StringIO(HEADINGS)
        rows.seek(0, io.SEEK_END)
        for formula in FORMULAS:
            csv.writer(rows).writerow([formula, "not an address", formula, formula])
        headers = {"Authorization": f"Bearer {tenant.token}", "Content-Type": "text/csv"}
        made = requests.post(f"{service.url}/v1/imports?kind=contacts", data=rows.getvalue().encode(), headers=headers, timeout=30)
        assert made.status_code == 201, made.text
        path = f"/v1/imports/{made.json()['id']}"
        tenant.post(f"{path}/start", {}, 202)
        eventually("the import is over", lambda: tenant.get(path).json()["status"] in ("done", "failed"))
        files = {"errors.csv": tenant.get(f"{path}/errors.csv").text}
        for formula in FORMULAS:
            contact = tenant.post("/v1/contacts", {"name": formula, "note": formula}, Rapport_Allow_Duplicate="true").json()
            line = {"sku": formula, "name": formula, "quantity": "1", "unit_price": "5.00"}
            tenant.post("/v1/orders", {"contact_id": contact["id"], "placed_on": "2026-11-01", "status": "placed", "lines": [line]})
        report = "/v1/reports/sales?from=2026-11-01&to=2026-11-30&by=customer"
        eventually("the report knows all", lambda: sum(len(part["groups"]) for part in tenant.get(report).json()["parts"]) >= len(FORMULAS))
        files["sales.csv"] = tenant.get(f"{report}&format=csv").text
        for name, text in files.items():
            cells = [cell for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))) for cell in row]
            assert sum(cell.startswith("'") for cell in cells) >= len(FORMULAS), f"{name}: {text[:500]}"
            bad = [cell for cell in cells if cell[:1] and cell[0] in "=+-@\t\r\n＝＋－＠" and not re.fullmatch(r"-?\d+(\.\d+)?", cell)]
            assert not bad, f"{name}: {bad}"
        with zipfile.ZipFile(io.BytesIO(tenant.get(f"{report}&format=xlsx").content)) as book:
            sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")]
            strings = "".join(book.read(name).decode() for name in book.namelist() if "sharedStrings" in name) + "".join(sheets)
        assert sheets and "=1+1" in strings and not any("<f>" in sheet or "<f " in sheet for sheet in sheets)
        assert "<hyperlink" not in "".join(sheets)

    def no_name_adds_a_header_or_a_tag_to_a_mail():
        evil = "Firm\r\nBcc: evil@victim.example\r\n\r\n<script>alert(1)</script><img src=x onerror=alert(1)>"
        owner = f"owner-{uuid.uuid4().hex}@firm.example"
        firm = {"company": "Firm \u202e<b>&amp;", "name": "Owner", "email": owner, "password": PASSWORD, "country": "US", "currency": "USD", "time_zone": "UTC"}
        for field in ("company", "name"):
            answer = requests.post(f"{service.url}/v1/signup", json={**firm, "email": f"{uuid.uuid4().hex}@firm.example", field: evil}, timeout=30)
            assert answer.status_code in (201, 422), answer.text
        tenant = Tenant(service)
        tenant.call("PATCH", "/v1/me", 200, {"name": "Owner <script>alert(1)</script> =?utf-8?q?Bcc:_x?="})
        for address in ("a@b.example\r\nBcc: evil@victim.example", "a@b.example, evil@victim.example", "\"a\r\n\"@b.example", "<a@b.example>", "a@b.example;evil@victim.example", "a@[127.0.0.1]\r\n"):
            tenant.post("/v1/invitations", {"email": address, "role": "agent"}, 422)
        guest = f"guest-{uuid.uuid4().hex}@firm.example"
        tenant.post("/v1/invitations", {"email": guest, "role": "agent", "name": "<script>alert(1)</script> =?utf-8?b?DQpCY2M6IGV2aWxAdmljdGltLmV4YW1wbGU=?="})
        outbox = service.outbox
        mails = eventually("the mail is there", lambda: [mail for mail in (email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in outbox.glob("*.eml")) if guest in str(mail["to"])])
        for mail in mails:
            assert [address.addr_spec for address in mail["to"].addresses] == [guest], mail["to"]
            assert mail["bcc"] is None and mail["cc"] is None and len(mail.get_all("subject")) == 1
            html = mail.get_body(("html",)).get_content()
            assert "<script" not in html.lower() and "onerror" not in html.lower(), html
        for page in ("/v1/auth/password/reset", "/v1/invitations/accept"):
            shown = requests.get(f"{service.url}{page}", params={"token": "\"><script>alert(1)</script>"}, timeout=20)
            assert "<script" not in shown.text and "default-src 'none'" in shown.headers["content-security-policy"], shown.text

    # ------------------------------------------------------------ addresses that are told of events

    def no_webhook_is_promised_to_an_address_within():
        tenant = Tenant(strict)
        headers = {"Authorization": f"Bearer {tenant.token}"}

        def refused(url, codes):
            answer = requests.post(f"{strict.url}/v1/webhook-endpoints", json={"url": url, "event_types": ["*"]}, headers=headers, timeout=20)
            return answer.status_code == 422 and answer.json()["errors"][0]["code"] in codes

        hosts = (
            "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "2130706433", "127.0.0.1.", "0", "0.0.0.0", "①②⑦.⓪.⓪.①", "127。0。0。1",
            "localhost", "LOCALHOST.", "a.localhost", "localhost.localdomain", "intranet", "printer.local", "db.internal", "metadata.google.internal", "router.home.arpa",
            "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
            "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]", "[2001:20::1]", "[2001:db8::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[3fff::1]", "[5f00::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]",
        )
        accepted = [host for host in hosts if not refused(f"https://{host}/hook", ("url_private", "url_malformed"))]
        urls = (
            "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "//example.com/", "https:example", "https://", "https://[fe80::1%25eth0]/",
            "https://user@example.com/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://127.0.0.1\\@example.com/", "https://example.com:22/", "https://example.com:25/", "https://example.com:0/", "https://example.com/#x", "https://exa mple.com/", "https://example.com:99999/",
        )
        accepted += [url for url in urls if not refused(url, ("url_private", "url_malformed", "url_insecure", "url_credentials", "url_port"))]
        assert not accepted, accepted
        made = tenant.post("/v1/webhook-endpoints", {"url": "https://hooks.example.com:8443/in?x=1", "event_types": ["lead.created"], "enabled": False}).json()
        changed = {"url": "https://169.254.169.254/latest/meta-data/"}
        tenant.call("PATCH", f"/v1/webhook-endpoints/{made['id']}", 422, changed)

    def a_redirect_is_an_answer_and_no_way():
        tenant = Tenant(service)
        made = tenant.post("/v1/webhook-endpoints", {"url": f"{subscriber.url}/302", "event_types": ["lead.created"]}).json()
        tenant.post("/v1/leads", {"name": "Lead"})

        def attempt():
            page = tenant.get(f"/v1/webhook-deliveries?endpoint_id={made['id']}").json()["data"]
            return [attempt for one in page for attempt in one["attempts"]]

        first = eventually("it was tried", attempt)[0]
        assert first["status"] == 302, first
        assert not subscriber.at("/trap"), "a redirect was followed"

    # An attack that locks or slows the service for a while comes late.
    return [
        no_request_hides_within_another,
        what_a_caller_says_of_himself_counts_for_nothing,
        bodies_without_end_are_cut_off,
        a_body_full_of_one_thing_is_soon_refused_in_few_words,
        no_other_algorithm_and_no_other_key_signs,
        a_token_is_good_for_one_thing,
        guessing_is_locked_and_tells_nothing,
        an_unknown_address_takes_as_long_as_a_wrong_password,
        no_file_holds_a_formula,
        no_name_adds_a_header_or_a_tag_to_a_mail,
        no_webhook_is_promised_to_an_address_within,
        a_redirect_is_an_answer_and_no_way,
        memory_does_not_follow_what_a_file_claims,
        the_slow_are_cut_off_and_hold_up_nobody,
    ]


def main():
    if not HOST.is_file():
        print(f"there is no host at {HOST}: build it, or name one by RAPPORT_HOST\n0 passed, 1 failed")
        return 1
    with Service() as service, Service(private_webhooks=False) as strict, Subscriber() as subscriber:
        return run(checks(service, strict, subscriber))


if __name__ == "__main__":
    sys.exit(main())
