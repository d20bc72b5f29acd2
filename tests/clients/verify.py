#!/usr/bin/env python3
"""Clients that others wrote judge the running service: what they accept is what the standards mean, not what we think.

    python verify.py                   runs target/debug/host, or the program that RAPPORT_HOST names
    python verify.py --requests 100    makes up more requests, another set each time: an hour or so

- `standardwebhooks` and `cryptography`: the signatures of webhooks, both ways;
- `requests` and `cryptography`: OAuth forms, access tokens against the published keys, ETags;
- `boto3`: the tables themselves hold nothing outside its tenant's keys;
- `schemathesis`: thousands of made-up requests after /openapi.json, right ones and wrong ones, alone and one after the other, and
  all of its checks on the answers (`schemathesis.toml` and `hooks.py` say what is left out, and why).

The last line is `N passed, N failed`; the exit status tells failure.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import boto3  # noqa: E402
import requests  # noqa: E402
from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: E402
from standardwebhooks.webhooks import Webhook, WebhookVerificationError  # noqa: E402

from service import HOST, PASSWORD, Service, Subscriber, Tenant, compact, eventually, run  # noqa: E402


def refuses(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError("a wrong signature was accepted")


def b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


# Requests made up for each operation: enough to run often, and what `--requests` asks for.
FEW = 5


def checks(service, subscriber, most=FEW):
    """The checks, all against one service; each has a tenant of its own."""

    def endpoint(tenant, path, types):
        return tenant.post("/v1/webhook-endpoints", {"url": f"{subscriber.url}{path}", "event_types": types}).json()

    def told(path, subject):
        return [(headers, body) for headers, body in subscriber.at(path) if json.loads(body)["data"].get("id") == subject]

    def source(tenant, **fields):
        made = tenant.post("/v1/webhook-sources", {"name": "Source", **fields}).json()
        url = made["url"]
        return made, service.url + url[url.index("/hooks/"):]

    # ------------------------------------------------------------ webhooks out

    def a_delivered_webhook_passes_the_library_of_standard_webhooks():
        tenant = Tenant(service)
        hook = endpoint(tenant, "/library", ["lead.created"])
        lead = tenant.post("/v1/leads", {"name": "Lead", "email": "library@customer.example"}).json()
        headers, body = eventually("the lead is told", lambda: told("/library", lead["id"]))[0]
        event = Webhook(hook["secret"]).verify(body, headers)
        assert event["type"] == "lead.created" and event["data"]["name"] == "Lead", event
        assert headers["content-type"].startswith("application/json"), headers
        other = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        refuses(WebhookVerificationError, lambda: Webhook(other).verify(body, headers))
        refuses(WebhookVerificationError, lambda: Webhook(hook["secret"]).verify(body + b" ", headers))

    def a_delivered_webhook_carries_an_ed25519_signature():
        tenant = Tenant(service)
        hook = endpoint(tenant, "/ed25519", ["lead.*"])
        lead = tenant.post("/v1/leads", {"name": "Lead"}).json()
        headers, body = eventually("the lead is told", lambda: told("/ed25519", lead["id"]))[0]
        key = tenant.get(f"/v1/webhook-endpoints/{hook['id']}").json()["public_key"]
        assert key.startswith("whpk_"), key
        signatures = [part[4:] for part in headers["webhook-signature"].split() if part.startswith("v1a,")]
        assert len(signatures) == 1, headers["webhook-signature"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
        public.verify(base64.b64decode(signatures[0]), signed)
        refuses(InvalidSignature, lambda: public.verify(base64.b64decode(signatures[0]), signed + b" "))

    def a_rotated_secret_and_the_one_before_both_verify():
        tenant = Tenant(service)
        hook = endpoint(tenant, "/rotated", ["lead.created"])
        new = tenant.post(f"/v1/webhook-endpoints/{hook['id']}/rotate", None, 200).json()["secret"]
        assert new != hook["secret"]
        lead = tenant.post("/v1/leads", {"name": "Lead"}).json()
        headers, body = eventually("the lead is told", lambda: told("/rotated", lead["id"]))[0]
        for secret in (new, hook["secret"]):
            Webhook(secret).verify(body, headers)

    def an_endpoint_that_fails_once_is_told_again():
        tenant = Tenant(service)
        hook = endpoint(tenant, "/503-once", ["lead.created"])
        lead = tenant.post("/v1/leads", {"name": "Lead"}).json()
        first, second = eventually("told twice", lambda: (lambda list: list if len(list) > 1 else None)(told("/503-once", lead["id"])), 90)[:2]
        assert first[0]["webhook-id"] == second[0]["webhook-id"] and first[1] == second[1]
        assert int(second[0]["webhook-timestamp"]) - int(first[0]["webhook-timestamp"]) >= 4, "it was told again at once"
        Webhook(hook["secret"]).verify(second[1], second[0])

        def delivery():
            page = tenant.get(f"/v1/webhook-deliveries?endpoint_id={hook['id']}").json()["data"]
            return [one for one in page if one["status"] == "succeeded"]

        done = eventually("the delivery succeeded", delivery)[0]
        assert [attempt["status"] for attempt in done["attempts"]] == [503, 200], done

    def an_endpoint_that_is_gone_is_disabled():
        tenant = Tenant(service)
        hook = endpoint(tenant, "/410", ["lead.created"])
        tenant.post("/v1/leads", {"name": "Lead"})
        read = lambda: tenant.get(f"/v1/webhook-endpoints/{hook['id']}").json()  # noqa: E731
        eventually("the endpoint is disabled", lambda: read()["enabled"] is False)
        assert read()["disabled_reason"] == "gone", read()

    # ------------------------------------------------------------ webhooks in

    def post(url, body, headers):
        return requests.post(url, data=body.encode(), headers={"content-type": "application/json", **headers}, timeout=20)

    def a_message_signed_by_the_library_becomes_a_lead():
        tenant = Tenant(service)
        secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        mapping = {"name": "$.data.name", "email": "$.data.email"}
        _, url = source(tenant, kind="standard_webhooks", secret=secret, mapping=mapping)
        name, identity, now = unique("Fair"), unique("msg"), datetime.datetime.now(tz=datetime.timezone.utc)
        body = compact({"type": "visitor.registered", "data": {"name": name, "email": "visitor@customer.example"}})
        signed = {"webhook-id": identity, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": Webhook(secret).sign(identity, now, body)}
        wrong = {**signed, "webhook-signature": Webhook(secret).sign(identity, now, body + " ")}
        old = now - datetime.timedelta(hours=1)
        late = {**signed, "webhook-timestamp": str(int(old.timestamp())), "webhook-signature": Webhook(secret).sign(identity, old, body)}
        for headers in (wrong, late, {}):
            answer = post(url, body, headers)
            assert answer.status_code == 401, answer.text
        for _ in range(2):
            answer = post(url, body, signed)
            assert answer.status_code == 202, answer.text
        leads = eventually("the lead is made", lambda: tenant.leads(name=name))
        assert len(leads) == 1 and leads[0]["email"] == "visitor@customer.example", leads

    def an_order_of_a_shop_is_taken_and_a_forged_one_is_not():
        tenant = Tenant(service)
        secret = unique("shop-secret")
        _, url = source(tenant, kind="shopify_orders", secret=secret)
        order = {
            "id": 4_500_000_001, "name": "#1001", "email": "buyer@customer.example", "currency": "USD", "created_at": "2026-11-20T10:00:00Z",
            "updated_at": "2026-11-20T10:00:00Z", "financial_status": "paid", "fulfillment_status": None, "taxes_included": False,
            "total_price": "25.00", "subtotal_price": "25.00", "total_tax": "0.00",
            "customer": {"id": 77, "first_name": "Buyer", "last_name": "One", "email": "buyer@customer.example"},
            "line_items": [{"id": 1, "sku": "A-1", "title": "Article", "quantity": 2, "price": "12.50", "total_discount": "0.00", "tax_lines": []}],
        }
        body = compact(order)
        sign = lambda key: base64.b64encode(hmac.new(key.encode(), body.encode(), hashlib.sha256).digest()).decode()  # noqa: E731
        headers = {"x-shopify-topic": "orders/paid", "x-shopify-event-id": unique("event"), "x-shopify-hmac-sha256": sign(secret)}
        assert post(url, body, {**headers, "x-shopify-hmac-sha256": sign("another secret")}).status_code == 401
        answer = post(url, body, headers)
        assert answer.status_code == 202, answer.text
        made = eventually("the order is made", lambda: tenant.get("/v1/orders").json()["data"])
        assert len(made) == 1 and made[0]["total"] == "25.00" and made[0]["payment_status"] == "paid", made

    def an_answer_to_a_form_becomes_a_lead_and_a_forged_one_does_not():
        tenant = Tenant(service)
        secret, name = unique("form-secret"), unique("Form")
        _, url = source(tenant, kind="typeform", secret=secret, mapping={"name": "$.answers.who", "email": "$.answers.mail"})
        answers = [
            {"type": "text", "text": name, "field": {"id": "f1", "type": "short_text", "ref": "who"}},
            {"type": "email", "email": "form@customer.example", "field": {"id": "f2", "type": "email", "ref": "mail"}},
        ]
        response = {"form_id": "form", "token": unique("token"), "submitted_at": "2026-11-20T10:00:00Z", "answers": answers}
        body = compact({"event_id": unique("event"), "event_type": "form_response", "form_response": response})
        sign = lambda key: "sha256=" + base64.b64encode(hmac.new(key.encode(), body.encode(), hashlib.sha256).digest()).decode()  # noqa: E731
        assert post(url, body, {"typeform-signature": sign("another secret")}).status_code == 401
        answer = post(url, body, {"typeform-signature": sign(secret)})
        assert answer.status_code == 202, answer.text
        eventually("the lead is made", lambda: tenant.leads(name=name, email="form@customer.example"))

    # ------------------------------------------------------------ tokens and headers

    def token(form, **options):
        return requests.post(f"{service.url}/v1/auth/token", data=form, timeout=20, **options)

    def tokens_are_had_by_oauth_forms():
        tenant = Tenant(service)
        answer = token({"grant_type": "password", "username": tenant.email, "password": PASSWORD})
        assert answer.status_code == 200 and answer.json()["token_type"] == "Bearer", answer.text
        assert answer.headers["cache-control"] == "no-store", answer.headers
        again = token({"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]})
        assert again.status_code == 200, again.text
        tenant.token = again.json()["access_token"]
        assert tenant.get("/v1/me").json()["user"]["email"] == tenant.email
        key = tenant.post("/v1/api-keys", {"name": "Key", "scopes": ["leads:read"]}).json()
        exchanged = token({"grant_type": "client_credentials"}, auth=(key["id"], key["secret"]))
        assert exchanged.status_code == 200, exchanged.text
        wrong = token({"grant_type": "password", "username": tenant.email, "password": "wrong"})
        assert wrong.status_code in (400, 401) and wrong.headers["content-type"].startswith("application/"), wrong.text

    def access_tokens_verify_against_the_published_keys():
        tenant = Tenant(service)
        keys = requests.get(f"{service.url}/.well-known/jwks.json", timeout=20).json()["keys"]
        head, claims, signature = tenant.token.split(".")
        header = json.loads(b64url(head))
        assert header["alg"] == "EdDSA", header
        key = next(key for key in keys if key["kid"] == header["kid"])
        assert (key["kty"], key["crv"]) == ("OKP", "Ed25519") and "d" not in key, "a key is not public"
        public = Ed25519PublicKey.from_public_bytes(b64url(key["x"]))
        public.verify(b64url(signature), f"{head}.{claims}".encode())
        told = json.loads(b64url(claims))
        assert told["tid"] == tenant.id and told["exp"] - told["iat"] == 15 * 60, told
        unsigned = base64.urlsafe_b64encode(compact({**header, "alg": "none"}).encode()).rstrip(b"=").decode()
        tenant.token = f"{unsigned}.{claims}."
        tenant.get("/v1/me", 401)

    def etags_guard_reads_and_changes():
        tenant = Tenant(service)
        made = tenant.post("/v1/leads", {"name": "Lead"})
        path = made.headers["location"]
        path = path[path.index("/v1/"):]
        etag = made.headers["etag"]
        assert tenant.get(path).headers["etag"] == etag == '"1"'
        tenant.get(path, 304, If_None_Match=etag)
        changed = tenant.call("PATCH", path, 200, {"note": "one"}, If_Match=etag)
        assert changed.headers["etag"] == '"2"'
        lost = tenant.call("PATCH", path, 412, {"note": "two"}, If_Match=etag)
        assert lost.json()["current"]["note"] == "one", lost.text
        tenant.get(path, 200, If_None_Match=etag)

    # ------------------------------------------------------------ what is stored

    def every_stored_key_begins_with_its_tenant():
        tenants = [Tenant(service), Tenant(service)]
        for tenant in tenants:
            tenant.post("/v1/leads", {"name": "Lead", "email": "same@customer.example", "phone": "+12025550123", "tags": ["fair"]}, Idempotency_Key="same")
            contact = tenant.post("/v1/contacts", {"name": "Contact", "emails": [{"address": "same@customer.example", "primary": True}]}).json()
            line = {"sku": "A-1", "name": "Article", "quantity": "1", "unit_price": "5.00"}
            tenant.post("/v1/orders", {"contact_id": contact["id"], "currency": "USD", "placed_on": "2026-11-01", "status": "placed", "lines": [line]})
            tenant.post("/v1/tickets", {"subject": "Ticket", "contact_id": contact["id"]})
            source(tenant, kind="generic")
            endpoint(tenant, "/stored", ["*"])
        credentials = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
        engine = boto3.client("dynamodb", endpoint_url=service.engines, **credentials)
        tables = engine.list_tables()["TableNames"]
        assert len(tables) >= 12, tables

        def rows(table):
            for page in engine.get_paginator("scan").paginate(TableName=table):
                yield from page["Items"]

        # The words of search come last: when they are there, so is everything before them.
        search = next(table for table in tables if "search" in table.lower())
        ids = [tenant.id for tenant in tenants]
        eventually("search knows both tenants", lambda: all(any(row["pk"]["S"].startswith(f"{id}#") for row in rows(search)) for id in ids))
        seen, per_table = {id: 0 for id in ids}, {}
        for table in tables:
            for row in rows(table):
                pk = row["pk"]["S"]
                owner = pk.split("#")[0]
                per_table[table] = per_table.get(table, 0) + 1
                if owner in ("directory", "login", "operator", "timer"):
                    assert {"directory": "identity", "login": "identity", "operator": "identity", "timer": "timers"}[owner] in table.lower(), f"{table}: {pk}"
                    continue
                assert owner.startswith("tnt_"), f"{table}: {pk}"
                for name, value in row.items():
                    if name.startswith("by_") and not name.endswith("_at"):
                        assert value["S"].startswith(f"{owner}#"), f"{table}: {pk} {name}"
                others = [id for id in ids if id != owner and owner in ids and id in json.dumps(row, default=str)]
                assert not others, f"{table}: {pk} speaks of another tenant"
                if owner in seen:
                    seen[owner] += 1
        assert all(count >= 10 for count in seen.values()), seen
        missing = [table for word in ("identity", "leads", "contacts", "orders", "tickets", "webhooks", "events", "search") for table in tables if word in table.lower() and table not in per_table]
        assert not missing, f"nothing was kept in {missing}"

    # ------------------------------------------------------------ made-up requests

    def made_up_requests_are_answered_as_documented():
        here, entries, failures = Path(__file__).resolve().parent, [], []
        # In the long form one noun after the other, since an access token is good for a quarter of an hour.
        document = requests.get(f"{service.url}/openapi.json", timeout=20).json()
        nouns = sorted({path.split("/")[2] for path in document["paths"] if path.startswith("/v1/")})
        for part in [None] if most == FEW else nouns:
            tenant = Tenant(service)
            with tempfile.TemporaryDirectory() as folder:
                command = [
                    Path(sys.executable).with_name("schemathesis"), "--config-file", here / "schemathesis.toml", "run", f"{service.url}/openapi.json",
                    "--header", f"Authorization: Bearer {tenant.token}", "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful",
                    "--max-examples", most, "--workers", "1", *(["--generation-deterministic"] if most == FEW else []),
                    *(["--include-path-regex", f"^/v1/{part}(/|$)"] if part else []),
                    "--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure",
                    "--request-timeout", "20", "--report", "har", "--report-har-path", f"{folder}/report.har", "--no-color",
                ]
                done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": str(here / "hooks.py")}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900)
                if done.returncode != 0:
                    failures.append(f"exit status {done.returncode}\n{done.stdout[-12_000:]}{done.stderr[-2_000:]}")
                entries += json.loads(Path(f"{folder}/report.har").read_text(encoding="utf-8"))["log"]["entries"]
        assert not failures, "\n".join(failures)
        # Nothing was judged if the document was empty or nobody was let in.
        statuses = Counter(entry["response"]["status"] for entry in entries)
        print("answers by status:", dict(sorted(statuses.items())))
        good = sum(count for status, count in statuses.items() if 200 <= status < 300)
        assert len(entries) > 1_000 and good > 100 and statuses[401] < len(entries) / 10, statuses
        tenant.get("/v1/me")

    there = locals()
    return [there[name] for name in NAMES]


# In the order they run; each is a function above.
NAMES = [
    "a_delivered_webhook_passes_the_library_of_standard_webhooks",
    "a_delivered_webhook_carries_an_ed25519_signature",
    "a_rotated_secret_and_the_one_before_both_verify",
    "an_endpoint_that_fails_once_is_told_again",
    "an_endpoint_that_is_gone_is_disabled",
    "a_message_signed_by_the_library_becomes_a_lead",
    "an_order_of_a_shop_is_taken_and_a_forged_one_is_not",
    "an_answer_to_a_form_becomes_a_lead_and_a_forged_one_does_not",
    "tokens_are_had_by_oauth_forms",
    "access_tokens_verify_against_the_published_keys",
    "etags_guard_reads_and_changes",
    "every_stored_key_begins_with_its_tenant",
    "made_up_requests_are_answered_as_documented",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=FEW, help="how many requests are made up for an operation and phase")
    arguments = parser.parse_args()
    if not HOST.is_file():
        print(f"there is no host at {HOST}: build it, or name one by RAPPORT_HOST\n0 passed, 1 failed")
        return 1
    with Service() as service, Subscriber() as subscriber:
        return run(checks(service, subscriber, arguments.requests))


if __name__ == "__main__":
    sys.exit(main())
