#!/usr/bin/env python3
"""Deploys the service into a stand-in for the cloud on loopback, and looks whether it is what the template says.

    python stack.py

MiniStack executes what SAM makes of `infra/template.yaml`, and runs the programs that a story needs: sign-up, a lead, its way
through stream and queue into the search. Then an upgrade, a roll back by hand, and an upgrade that fails half way. Programs are those of
`target/debug` (step `programs`), or of the folder that RAPPORT_PROGRAMS names, where `cargo xtask package` leaves archives.

What it cannot show: IAM is not enforced here, alarms ring nowhere, there is no arm64, and time to start says nothing. MiniStack does
not set tables' time to live, nor does it read the routes that SAM writes into the body of an HTTP API: these become resources
of their own first (`routed`).
The last line is `N passed, N failed`; the exit status tells failure.
"""

import json
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "template"))

import sam  # noqa: E402
from cloud import BUCKET, ROOT, Cloud, Door, archive, eventually, secrets, zipped  # noqa: E402
from source import Template, crate, load  # noqa: E402

STACK = "rapport"
PROGRAMS = Path(os.environ.get("RAPPORT_PROGRAMS", ROOT / "target/debug"))
# The functions that the story calls; the others are deployed as a program that only fails.
CALLED = ("identity", "leads", "search", "change-events", "search-index")


class Deployment:
    """One stack, its template and its archives."""

    def __init__(self, cloud):
        self.cloud, self.document = cloud, load()
        self.formation, self.store = cloud.client("cloudformation"), cloud.client("s3")
        self.store.create_bucket(Bucket=BUCKET)
        cloud.client("secretsmanager").create_secret(Name="rapport/secrets", SecretString=secrets())
        self.keys = {}
        failing = self.put("failing.zip", zipped({"bootstrap": b"#!/bin/sh\nexit 1\n"}))
        for function in Template(self.document).functions.values():
            self.keys[crate(function)] = failing
        for name in CALLED:
            self.release(name)

    def put(self, key, content):
        self.store.put_object(Bucket=BUCKET, Key=key, Body=content)
        return key

    def release(self, name, note=""):
        """Another archive of a function, for the next deployment."""
        packed = PROGRAMS / f"{name}.zip"
        content = packed.read_bytes() if packed.is_file() and not note else archive(self.program(name), note)
        self.keys[name] = self.put(f"{name}-{note or 'first'}.zip", content)

    def program(self, name):
        return next(path for path in (PROGRAMS / name / "bootstrap", PROGRAMS / name) if path.is_file())

    def translated(self):
        return routed(sam.translate(self.cloud.session, lambda name: f"s3://{BUCKET}/{self.keys[name]}", self.document))

    def deploy(self, **parameters):
        """Creates or updates the stack; its status at the end."""
        template = self.translated()
        key = self.put("template.json", json.dumps(template, default=str).encode())
        arguments = {
            "StackName": STACK,
            "TemplateURL": f"{self.cloud.url}/{BUCKET}/{key}",
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in ({"Architecture": "x86_64"} | parameters).items()],
        }
        stacks = [stack["StackName"] for stack in self.formation.describe_stacks()["Stacks"]]
        (self.formation.update_stack if STACK in stacks else self.formation.create_stack)(**arguments)
        return eventually("the stack is settled", self._settled, 120)

    def _settled(self):
        status = self.formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        return None if status.endswith("IN_PROGRESS") else status

    def resources(self):
        """Physical names by logical name."""
        pages = self.formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        return {one["LogicalResourceId"]: one for page in pages for one in page["StackResourceSummaries"]}

    def physical(self, name):
        return self.resources()[name]["PhysicalResourceId"]

    def live(self, function):
        """The version that the alias `live` of a function leads to."""
        return self.cloud.client("lambda").get_alias(FunctionName=self.physical(function), Name="live")["FunctionVersion"]


def routed(template):
    """The routes of the HTTP API's body as resources of their own."""
    resources = template["Resources"]
    paths = resources["HttpApi"]["Properties"].pop("Body")["paths"]
    resources["HttpApi"]["Properties"] |= {"Name": STACK, "ProtocolType": "HTTP"}
    integrations = {}
    for n, (path, methods) in enumerate(sorted(paths.items())):
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            # One for each function: a stack has 500 resources at most, and these are none of the template's own.
            integration = integrations.setdefault(json.dumps(uri, sort_keys=True), f"Integration{len(integrations)}")
            resources[integration] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {"ApiId": {"Ref": "HttpApi"}, "IntegrationType": "AWS_PROXY", "IntegrationUri": uri, "PayloadFormatVersion": "2.0"},
            }
            resources[f"Route{n}{verb}"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "HttpApi"},
                    "RouteKey": "$default" if path == "/$default" else f"{verb} {path}",
                    "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
                },
            }
    return template


def created_whole(deployment):
    status = deployment.deploy()
    assert status == "CREATE_COMPLETE", f"{status}: {deployment.cloud.said()}"
    wanted, there = deployment.translated()["Resources"], deployment.resources()
    missing = sorted(set(wanted) - set(there))
    assert not missing, f"not created: {missing}"
    broken = [name for name, one in there.items() if one["ResourceStatus"] != "CREATE_COMPLETE"]
    assert len(there) > 250 and not broken, broken


def tables_are_as_declared(deployment):
    dynamodb = deployment.cloud.client("dynamodb")
    for name, declared in Template(deployment.document).tables.items():
        physical = deployment.physical(name)
        table = dynamodb.describe_table(TableName=physical)["Table"]
        indexes = {one["IndexName"] for one in declared.get("GlobalSecondaryIndexes", [])}
        assert {one["IndexName"] for one in table.get("GlobalSecondaryIndexes", [])} == indexes, name
        assert table.get("StreamSpecification", {}).get("StreamViewType") == declared.get("StreamSpecification", {}).get("StreamViewType"), name
        assert table["DeletionProtectionEnabled"] is True, name
        keys = {one["KeyType"]: one["AttributeName"] for one in table["KeySchema"]}
        assert keys == {"HASH": "pk", "RANGE": "sk"}, name


def queues_lead_to_dead_letters(deployment):
    sqs = deployment.cloud.client("sqs")
    led = 0
    for name, declared in Template(deployment.document).queues.items():
        attributes = sqs.get_queue_attributes(QueueUrl=deployment.physical(name), AttributeNames=["All"])["Attributes"]
        assert int(attributes["VisibilityTimeout"]) == declared.get("VisibilityTimeout", 30), name
        redrive = declared.get("RedrivePolicy")
        if redrive:
            led += 1
            found = json.loads(attributes["RedrivePolicy"])
            letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"].split(".")[0]
            assert found["deadLetterTargetArn"].rsplit(":", 1)[1] == deployment.physical(letters).rsplit("/", 1)[1], name
            assert int(found["maxReceiveCount"]) == redrive["maxReceiveCount"], name
    assert led > 5, led


def functions_are_called_by_what_the_template_says(deployment):
    template, functions = Template(deployment.document), deployment.cloud.client("lambda")
    bound = functions.get_paginator("list_event_source_mappings").paginate()
    mappings = [one for page in bound for one in page["EventSourceMappings"]]
    wanted = len(list(template.events("SQS"))) + len(list(template.events("DynamoDB")))
    assert len(mappings) == wanted, f"{len(mappings)}, not {wanted}"
    assert all(one.get("FunctionResponseTypes") == ["ReportBatchItemFailures"] for one in mappings), mappings
    for name, declared in template.functions.items():
        found = functions.get_function_configuration(FunctionName=deployment.physical(name))
        assert (found["Runtime"], found["MemorySize"], found["Timeout"]) == ("provided.al2023", declared["MemorySize"], declared["Timeout"]), name
        assert found["Architectures"] == ["x86_64"], name
        unresolved = [key for key, value in found["Environment"]["Variables"].items() if "{{" in value or "${" in value]
        assert not unresolved, f"{name}: {unresolved}"
        assert deployment.live(name) == "1", name


def door(deployment):
    return Door(deployment.cloud, deployment.physical("HttpApi"))


def a_firm_signs_up_and_finds_its_lead(deployment):
    deployment.door = door(deployment)
    sign_up = {"company": "Lantern Tea", "name": "Owner", "email": "owner@firm.example", "password": "correct horse battery staple"}
    status, welcome = deployment.door.call("POST", "/v1/signup", sign_up)
    assert status == 201, f"{status} {welcome} {deployment.cloud.said()}"
    deployment.door.token = welcome["access_token"]
    status, lead = deployment.door.call("POST", "/v1/leads", {"name": "Quillfeather Ltd"})
    assert status == 201, f"{status} {lead}"
    deployment.lead = lead
    assert deployment.door.call("GET", f"/v1/leads/{lead['id']}") == (200, lead)
    # Through the table's stream, change-events, a queue and search-index.
    eventually("the lead is found by its word", lambda: found(deployment) == [lead["id"]], 90)


def found(deployment):
    status, answer = deployment.door.call("GET", "/v1/search?q=quillfeather")
    assert status == 200, f"{status} {answer}"
    return [one["id"] for one in answer["data"]]


def an_upgrade_moves_what_changed_and_keeps_what_is_stored(deployment):
    deployment.release("leads", "second")
    status = deployment.deploy(LogDays="60")
    assert status == "UPDATE_COMPLETE", f"{status}: {deployment.cloud.said()}"
    assert (deployment.live("LeadsFunction"), deployment.live("SearchFunction")) == ("2", "1")
    group = deployment.physical("LeadsLog")
    groups = deployment.cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert [one["retentionInDays"] for one in groups] == [60], groups
    assert deployment.door.call("GET", f"/v1/leads/{deployment.lead['id']}") == (200, deployment.lead)


def the_alias_can_be_put_back_by_hand(deployment):
    functions, name = deployment.cloud.client("lambda"), deployment.physical("LeadsFunction")
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert deployment.live("LeadsFunction") == "1"
    assert deployment.door.call("GET", f"/v1/leads/{deployment.lead['id']}") == (200, deployment.lead)
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion="2")


def an_upgrade_that_fails_leaves_what_was(deployment):
    deployment.release("leads", "third")
    deployment.keys["search"] = "an-archive-that-is-not-there.zip"
    status = deployment.deploy(LogDays="90")
    assert status == "UPDATE_ROLLBACK_COMPLETE", f"{status}: {deployment.cloud.said()}"
    assert found(deployment) == [deployment.lead["id"]]
    assert deployment.door.call("GET", f"/v1/leads/{deployment.lead['id']}") == (200, deployment.lead)


CHECKS = [
    created_whole,
    tables_are_as_declared,
    queues_lead_to_dead_letters,
    functions_are_called_by_what_the_template_says,
    a_firm_signs_up_and_finds_its_lead,
    an_upgrade_moves_what_changed_and_keeps_what_is_stored,
    the_alias_can_be_put_back_by_hand,
    an_upgrade_that_fails_leaves_what_was,
]


def main():
    passed = failed = 0
    with Cloud() as cloud:
        deployment = Deployment(cloud)
        for check in CHECKS:
            try:
                check(deployment)
                passed += 1
            except Exception:  # A check that breaks is a check that fails; the others still run.
                failed += 1
                print(f"FAILED {check.__name__}\n{traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
