#!/usr/bin/env python3
"""Holds the queue endpoint to the real protocol: one table of calls, made with boto3 against the endpoint and against
moto, must get the same answers.

    python sqs.py [URL]        without a URL the endpoint is built, served in memory and ended

A case is a name, the attributes of a fresh queue, and steps. A step is an operation of boto3's SQS client and its
parameters; `$q` is the queue's URL, `$dlq` and `$dlq-arn` its dead-letter queue's, `$name` the queue's name, and
`$2.Messages.0.Body` something from the answer of step 2, counted from 0. Every step's answer is compared, ids, handles,
times and addresses apart. Where moto differs from the AWS documentation the case names the documented answer of its
last step and the reason; such cases are held to that and counted separately.

Packages: requirements.txt beside this file. The last line is `N passed, N failed`; the exit status tells failure.
"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1_048_576
ROOT = Path(__file__).resolve().parents[2]
GONE = "$q-no-such-queue"


def text(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


def binary(value):
    return {"DataType": "Binary", "BinaryValue": value}


def send(body="hello", **more):
    return ("send_message", {"QueueUrl": "$q", "MessageBody": body, **more})


def batch(*entries):
    return ("send_message_batch", {"QueueUrl": "$q", "Entries": list(entries)})


def md5(value):
    return hashlib.md5(value, usedforsecurity=False).hexdigest()


def part(value):
    return len(value).to_bytes(4, "big") + value


def entry(key, body="hello", **more):
    return {"Id": key, "MessageBody": body, **more}


def receive(**more):
    return ("receive_message", {"QueueUrl": "$q", **more})


def receive_dead(**more):
    return ("receive_message", {"QueueUrl": "$dlq", **more})


def delete(handle):
    return ("delete_message", {"QueueUrl": "$q", "ReceiptHandle": handle})


def hide(handle, seconds):
    return ("change_message_visibility", {"QueueUrl": "$q", "ReceiptHandle": handle, "VisibilityTimeout": seconds})


def attributes(*names):
    return ("get_queue_attributes", {"QueueUrl": "$q", "AttributeNames": list(names)})


def change(**new):
    return ("set_queue_attributes", {"QueueUrl": "$q", "Attributes": new})


def create(**more):
    return ("create_queue", {"QueueName": "$name", **more})


def raw(target, body):
    return ("raw", {"target": target, "body": body})


COUNTS = attributes(
    "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"
)
HANDLE = "$1.Messages.0.ReceiptHandle"
ALL = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
DEAD = {"RedrivePolicy": '{"deadLetterTargetArn":"$dlq-arn","maxReceiveCount":"1"}'}
TRACE = "Root=1-5e3d83c1-e6a0db584850d61342823d4c"
MANY = {f"a{n}": text("x") for n in range(11)}

# name, attributes of the queue, steps
CASES = [
    # queues
    ("create twice alike", {}, [create(), create(Attributes={"VisibilityTimeout": "30"})]),
    ("create twice with another attribute", {"VisibilityTimeout": "30"}, [create(Attributes={"VisibilityTimeout": "31"})]),
    ("create with a wrong name", {}, [("create_queue", {"QueueName": "not a name"})]),
    ("create with too long a name", {}, [("create_queue", {"QueueName": "x" * 81})]),
    ("create with too small a message size", {}, [("create_queue", {"QueueName": "$name-2", "Attributes": {"MaximumMessageSize": "1023"}})]),
    ("create with too large a message size", {}, [("create_queue", {"QueueName": "$name-2", "Attributes": {"MaximumMessageSize": str(MIB + 1)}})]),
    ("create with every attribute", {}, [
        ("create_queue", {"QueueName": "$name-2", "Attributes": {
            "VisibilityTimeout": "43200", "DelaySeconds": "900", "MessageRetentionPeriod": "1209600",
            "ReceiveMessageWaitTimeSeconds": "20", "MaximumMessageSize": "1024"}}),
        ("get_queue_attributes", {"QueueUrl": "$q-2", "AttributeNames": ["All"]})]),
    ("url of a queue", {}, [("get_queue_url", {"QueueName": "$name"})]),
    ("url of no queue", {}, [("get_queue_url", {"QueueName": "$name-no-such-queue"})]),
    ("list by prefix", {}, [("list_queues", {"QueueNamePrefix": "$name"})]),
    ("list none", {}, [("list_queues", {"QueueNamePrefix": "$name-none"})]),
    ("list page by page", {}, [
        ("create_queue", {"QueueName": "$name-a"}), ("create_queue", {"QueueName": "$name-b"}),
        ("list_queues", {"QueueNamePrefix": "$name", "MaxResults": 2}),
        ("list_queues", {"QueueNamePrefix": "$name", "MaxResults": 2, "NextToken": "$2.NextToken"})]),
    ("delete a queue", {}, [("delete_queue", {"QueueUrl": "$q"}), ("get_queue_url", {"QueueName": "$name"})]),
    ("delete no queue", {}, [("delete_queue", {"QueueUrl": GONE})]),
    ("all attributes", {}, [attributes("All")]),
    ("some attributes", {"DelaySeconds": "5"}, [attributes("DelaySeconds", "QueueArn")]),
    ("no attributes", {}, [attributes()]),
    ("unknown attribute", {}, [attributes("Colour")]),
    ("attributes of no queue", {}, [("get_queue_attributes", {"QueueUrl": GONE, "AttributeNames": ["All"]})]),
    ("change attributes", {}, [change(VisibilityTimeout="7", DelaySeconds="3"), attributes("VisibilityTimeout", "DelaySeconds")]),
    ("change attributes of no queue", {}, [("set_queue_attributes", {"QueueUrl": GONE, "Attributes": {"DelaySeconds": "1"}})]),
    ("redrive policy is given back", DEAD, [attributes("RedrivePolicy")]),
    ("redrive policy taken away", DEAD, [change(RedrivePolicy=""), attributes("RedrivePolicy")]),
    ("redrive policy without a target", {}, [change(RedrivePolicy='{"maxReceiveCount":1}')]),
    ("redrive policy without a count", {}, [change(RedrivePolicy='{"deadLetterTargetArn":"$dlq-arn"}')]),
    ("sources of a dead-letter queue", DEAD, [("list_dead_letter_source_queues", {"QueueUrl": "$dlq"})]),
    ("sources of no queue", {}, [("list_dead_letter_source_queues", {"QueueUrl": GONE})]),
    ("tags", {}, [
        ("tag_queue", {"QueueUrl": "$q", "Tags": {"team": "a", "stage": "b"}}),
        ("untag_queue", {"QueueUrl": "$q", "TagKeys": ["team", "none"]}),
        ("list_queue_tags", {"QueueUrl": "$q"})]),
    ("tags at creation", {}, [
        ("create_queue", {"QueueName": "$name-2", "tags": {"team": "a"}}), ("list_queue_tags", {"QueueUrl": "$q-2"})]),
    ("purge", {}, [send(), send(), ("purge_queue", {"QueueUrl": "$q"}), COUNTS, receive()]),
    ("purge twice", {}, [("purge_queue", {"QueueUrl": "$q"}), ("purge_queue", {"QueueUrl": "$q"})]),
    ("purge no queue", {}, [("purge_queue", {"QueueUrl": GONE})]),
    # sending
    ("send", {}, [send(), receive(**ALL)]),
    ("send Chinese and emoji", {}, [send("客户 🚀 \t\r\n\"\\"), receive()]),
    ("send to the bare name", {}, [("send_message", {"QueueUrl": "$name", "MessageBody": "hello"}), receive()]),
    ("send attributes", {}, [
        send(MessageAttributes={"b": text("x"), "a": text("12.5", "Number"), "c": binary(b"\x00\xff"), "d": text("y", "String.custom")}),
        receive(MessageAttributeNames=["All"])]),
    ("send attributes in Chinese", {}, [send(MessageAttributes={"name": text("王小明")}), receive(MessageAttributeNames=[".*"])]),
    ("attribute of an unknown type", {}, [send(MessageAttributes={"a": text("x", "Colour")})]),
    ("attribute with an empty type", {}, [send(MessageAttributes={"a": text("x", "")})]),
    ("attribute with a wrong name", {}, [send(MessageAttributes={"a b": text("x")})]),
    ("send 1 MiB", {}, [send("x" * MIB), COUNTS]),
    ("send 1 MiB and one", {}, [send("x" * (MIB + 1))]),
    ("send more than the queue takes", {"MaximumMessageSize": "1024"}, [send("x" * 1024), send("x" * 1025)]),
    ("send with a delay", {}, [send(DelaySeconds=900), receive(), COUNTS]),
    ("send with too long a delay", {}, [send(DelaySeconds=901)]),
    ("send with the queue's delay", {"DelaySeconds": "60"}, [send(), receive(), COUNTS]),
    ("send without the queue's delay", {"DelaySeconds": "60"}, [send(DelaySeconds=0), receive()]),
    ("a delayed message comes in time", {}, [send(DelaySeconds=1), receive(), receive(WaitTimeSeconds=5)]),
    ("send with a group", {}, [send(MessageGroupId="tenant-1"), receive(MessageSystemAttributeNames=["MessageGroupId"])]),
    ("trace header is given back", {}, [
        batch(entry("a")), receive(MessageSystemAttributeNames=["AWSTraceHeader", "ApproximateReceiveCount"])]),
    ("send to no queue", {}, [("send_message", {"QueueUrl": GONE, "MessageBody": "hello"})]),
    # batches
    ("batch of ten", {}, [batch(*(entry(f"e{n}", f"body {n}") for n in range(10))), receive(MaxNumberOfMessages=10), COUNTS]),
    ("batch of none", {}, [batch()]),
    ("batch of eleven", {}, [batch(*(entry(f"e{n}") for n in range(11)))]),
    ("batch with an id twice", {}, [batch(entry("a"), entry("a"))]),
    ("batch with a wrong id", {}, [batch(entry("not an id"))]),
    ("batch with an empty id", {}, [batch(entry(""))]),
    ("batch with too long an id", {}, [batch(entry("x" * 81))]),
    ("batch that is too long", {}, [batch(*(entry(f"e{n}", "x" * (MIB // 4)) for n in range(5)))]),
    ("batch of just 1 MiB", {}, [batch(*(entry(f"e{n}", "x" * (MIB // 4)) for n in range(4))), COUNTS]),
    ("batch with one failing", {}, [batch(entry("a", DelaySeconds=901), entry("b", "kept")), receive(MaxNumberOfMessages=10)]),
    ("batch with attributes and delays", {}, [
        batch(entry("a", MessageAttributes={"k": text("v")}), entry("b", "later", DelaySeconds=60)),
        receive(MaxNumberOfMessages=10, MessageAttributeNames=["k"]), COUNTS]),
    ("batch to no queue", {}, [("send_message_batch", {"QueueUrl": GONE, "Entries": [entry("a")]})]),
    # receiving
    ("receive from an empty queue", {}, [receive(), receive(WaitTimeSeconds=1)]),
    ("receive from no queue", {}, [("receive_message", {"QueueUrl": GONE})]),
    ("receive none", {}, [receive(MaxNumberOfMessages=0)]),
    ("receive eleven", {}, [receive(MaxNumberOfMessages=11)]),
    ("receive with too long a wait", {}, [receive(WaitTimeSeconds=21)]),
    ("receive with a negative wait", {}, [receive(WaitTimeSeconds=-1)]),
    ("receive with too long a visibility", {}, [receive(VisibilityTimeout=43201)]),
    ("received is hidden", {}, [send(), receive(), receive(), COUNTS]),
    ("received again when its time is up", {"VisibilityTimeout": "1"}, [
        send(), receive(MessageSystemAttributeNames=["ApproximateReceiveCount"]),
        receive(MessageSystemAttributeNames=["ApproximateReceiveCount"], WaitTimeSeconds=5)]),
    ("received without being hidden", {}, [
        send(), receive(VisibilityTimeout=0),
        receive(MessageSystemAttributeNames=["ApproximateReceiveCount"], WaitTimeSeconds=2)]),
    ("system attributes by the old name", {}, [send(), receive(AttributeNames=["SentTimestamp", "ApproximateReceiveCount"])]),
    ("message attributes by name", {}, [send(MessageAttributes={"a": text("1"), "b": text("2")}), receive(MessageAttributeNames=["b", "c"])]),
    ("message attributes by prefix", {}, [
        send(MessageAttributes={"x.a": text("1"), "x.b": text("2"), "y": text("3")}), receive(MessageAttributeNames=["x.*"])]),
    ("message attributes unasked", {}, [send(MessageAttributes={"a": text("1")}), receive()]),
    # deleting
    ("delete", {}, [send(), receive(), delete(HANDLE), COUNTS]),
    ("delete twice", {}, [send(), receive(), delete(HANDLE), delete(HANDLE)]),
    ("delete with an old handle", {}, [
        send(), receive(VisibilityTimeout=0), receive(WaitTimeSeconds=2), delete(HANDLE), COUNTS]),
    ("delete with no handle of ours", {}, [delete("made-up")]),
    ("delete with a handle of another queue", {}, [
        send(), receive(), ("delete_message", {"QueueUrl": "$dlq", "ReceiptHandle": HANDLE}), COUNTS]),
    ("delete from no queue", {}, [("delete_message", {"QueueUrl": GONE, "ReceiptHandle": "x"})]),
    ("delete a batch, one failing", {}, [
        send(), receive(),
        ("delete_message_batch", {"QueueUrl": "$q", "Entries": [
            {"Id": "a", "ReceiptHandle": HANDLE}, {"Id": "b", "ReceiptHandle": "made-up"}]}), COUNTS]),
    ("delete a batch of none", {}, [("delete_message_batch", {"QueueUrl": "$q", "Entries": []})]),
    # visibility
    ("give back at once", {}, [send(), receive(), hide(HANDLE, 0), receive(WaitTimeSeconds=2)]),
    ("hide for longer", {"VisibilityTimeout": "1"}, [send(), receive(), hide(HANDLE, 60), receive(WaitTimeSeconds=2), COUNTS]),
    ("hide for too long", {}, [send(), receive(), hide(HANDLE, 43201)]),
    ("hide with no handle of ours", {}, [hide("made-up", 1)]),
    ("hide in no queue", {}, [("change_message_visibility", {"QueueUrl": GONE, "ReceiptHandle": "x", "VisibilityTimeout": 1})]),
    ("hide a batch, one failing", {}, [
        send(), receive(),
        ("change_message_visibility_batch", {"QueueUrl": "$q", "Entries": [
            {"Id": "a", "ReceiptHandle": HANDLE, "VisibilityTimeout": 5},
            {"Id": "b", "ReceiptHandle": "made-up", "VisibilityTimeout": 5},
            {"Id": "c", "ReceiptHandle": HANDLE, "VisibilityTimeout": 43201}]})]),
    # dead letters
    ("dead letter after its last receive", {**DEAD, "VisibilityTimeout": "0"}, [
        send("dead"), receive(), receive(WaitTimeSeconds=1), COUNTS,
        receive_dead(MessageSystemAttributeNames=["ApproximateReceiveCount"])]),
    ("dead letter keeps its attributes", {**DEAD, "VisibilityTimeout": "0"}, [
        send("dead", MessageAttributes={"a": text("1")}, MessageGroupId="g"), receive(), receive(WaitTimeSeconds=1),
        receive_dead(MessageSystemAttributeNames=["MessageGroupId"], MessageAttributeNames=["All"])]),
    ("dead letters leave room for the living", {**DEAD, "VisibilityTimeout": "0"}, [
        send("dead"), receive(), send("alive", DelaySeconds=1), receive(WaitTimeSeconds=4)]),
]

# name, attributes, steps, the documented answer of the last step, what moto does instead
DOCUMENTED = [
    ("empty body", {}, [send("")], "MissingParameter", "moto takes a body of no characters; the least is one"),
    ("body of a forbidden character", {}, [send("a\x01b")], "InvalidMessageContents", "moto does not look at characters"),
    ("batch entry with a forbidden character", {}, [batch(entry("a", "\x02"), entry("b"))],
     {"Failed": [{"Id": "a", "Code": "InvalidMessageContents", "SenderFault": True}], "Successful": [
         {"Id": "b", "MessageId": "<id>", "MD5OfMessageBody": md5(b"hello")}]},
     "moto does not look at characters"),
    ("batch entry longer than the queue takes", {"MaximumMessageSize": "1024"}, [batch(entry("a", "x" * 1025), entry("b"))],
     {"Failed": [{"Id": "a", "Code": "InvalidParameterValue", "SenderFault": True}], "Successful": [
         {"Id": "b", "MessageId": "<id>", "MD5OfMessageBody": md5(b"hello")}]},
     "moto refuses the whole batch"),
    ("negative delay", {}, [send(DelaySeconds=-1)], "InvalidParameterValue", "moto only looks at the upper bound"),
    ("too many attributes", {}, [send(MessageAttributes=MANY)], "InvalidParameterValue", "moto does not count; ten are allowed"),
    ("number that is none", {}, [send(MessageAttributes={"a": text("many", "Number")})], "InvalidParameterValue", "moto does not read numbers"),
    ("size counts attributes", {"MaximumMessageSize": "1024"}, [send("x" * 1000, MessageAttributes={"a": text("y" * 30)})],
     "InvalidParameterValue", "moto counts the body alone"),
    ("size counts bytes", {"MaximumMessageSize": "1024"}, [send("中" * 400)], "InvalidParameterValue", "moto counts characters"),
    ("visibility of a queue out of bounds", {}, [change(VisibilityTimeout="43201")], "InvalidAttributeValue", "moto stores it"),
    ("delay of a queue out of bounds", {}, [change(DelaySeconds="901")], "InvalidAttributeValue", "moto stores it"),
    ("retention of a queue out of bounds", {}, [change(MessageRetentionPeriod="59")], "InvalidAttributeValue", "moto stores it"),
    ("wait of a queue out of bounds", {}, [change(ReceiveMessageWaitTimeSeconds="21")], "InvalidAttributeValue", "moto stores it"),
    ("attribute that is no number", {}, [change(DelaySeconds="soon")], "InvalidAttributeValue", "moto fails inside"),
    ("redrive policy that is no JSON", {}, [change(RedrivePolicy="{")], "InvalidParameterValue", "moto fails inside"),
    ("unknown attribute to be set", {}, [change(Colour="red")], "InvalidAttributeName", "moto stores it"),
    ("dead-letter queue that is not there", {}, [change(RedrivePolicy='{"deadLetterTargetArn":"$dlq-arn-none","maxReceiveCount":1}')],
     "InvalidParameterValue", "moto speaks of a queue that does not exist"),
    ("give back what is visible", {}, [send(), receive(VisibilityTimeout=0), hide(HANDLE, 5)],
     "AWS.SimpleQueueService.MessageNotInflight", "moto hides visible messages"),
    ("hide what is deleted", {}, [send(), receive(), delete(HANDLE), hide(HANDLE, 5)], "InvalidParameterValue",
     "moto forgets the handles of deleted messages"),
    ("batch of visibilities of none", {}, [("change_message_visibility_batch", {"QueueUrl": "$q", "Entries": []})],
     "AWS.SimpleQueueService.EmptyBatchRequest", "moto answers with nothing"),
    ("batch of deletes with an id twice", {}, [("delete_message_batch", {"QueueUrl": "$q", "Entries": [
        {"Id": "a", "ReceiptHandle": "x"}, {"Id": "a", "ReceiptHandle": "y"}]})],
     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "moto looks at the handles instead"),
    ("batch of eleven deletes", {}, [("delete_message_batch", {"QueueUrl": "$q", "Entries": [
        {"Id": f"e{n}", "ReceiptHandle": f"h{n}"} for n in range(11)]})],
     "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "moto does not count"),
    ("trace header", {}, [send(MessageSystemAttributes={"AWSTraceHeader": text(TRACE)})],
     {"MessageId": "<id>", "MD5OfMessageBody": md5(b"hello"),
      "MD5OfMessageSystemAttributes": md5(part(b"AWSTraceHeader") + part(b"String") + b"\x01" + part(TRACE.encode()))}, "moto leaves the digest out"),
    ("deduplication on a standard queue", {}, [send(MessageDeduplicationId="d")], "InvalidParameterValue", "moto takes it"),
    ("move dead letters back", {**DEAD, "VisibilityTimeout": "0"}, [
        send("dead"), receive(), receive(), ("start_message_move_task", {"SourceArn": "$dlq-arn"}),
        receive(MessageSystemAttributeNames=["ApproximateReceiveCount"], WaitTimeSeconds=5)],
     {"Messages": [{"MessageId": "<id>", "ReceiptHandle": "<handle>", "Body": "dead",
                    "MD5OfBody": md5(b"dead"), "Attributes": {"ApproximateReceiveCount": "1"}}]},
     "moto has no move tasks"),
    ("move from a queue of no dead letters", {}, [("start_message_move_task", {"SourceArn": "$dlq-arn"})],
     "InvalidParameterValue", "moto has no move tasks"),
    ("move from no queue", {}, [("start_message_move_task", {"SourceArn": "$dlq-arn-none"})],
     "ResourceNotFoundException", "moto has no move tasks"),
    ("no queue named", {}, [raw("AmazonSQS.SendMessage", b'{"MessageBody":"x"}')], "MissingParameter", "moto takes the path for the name"),
    ("no body named", {}, [raw("AmazonSQS.SendMessage", b'{"QueueUrl":"$q"}')], "MissingParameter", "moto fails inside"),
    ("broken JSON", {}, [raw("AmazonSQS.SendMessage", b'{"QueueUrl":')], "MalformedInput", "moto fails inside"),
    ("member of a wrong type", {}, [raw("AmazonSQS.SendMessage", b'{"QueueUrl":"$q","MessageBody":7}')], "MalformedInput", "moto fails inside"),
    ("unknown operation", {}, [raw("AmazonSQS.Dance", b"{}")], "InvalidAction", "moto fails inside"),
]


class Endpoint:
    """One of the two sides, with its own client."""

    def __init__(self, url):
        self.url = url
        self.client = boto3.client(
            "sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, max_pool_connections=16,
                          read_timeout=40, connect_timeout=10))

    def call(self, operation, parameters):
        try:
            if operation == "raw":
                return self.raw(**parameters)
            answer = getattr(self.client, operation)(**parameters)
            status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
            return answer, {"status": status, "answer": answer}
        except ClientError as error:
            found = error.response
            return {}, {"status": found["ResponseMetadata"]["HTTPStatusCode"], "error": found["Error"]["Code"]}

    def raw(self, target, body):
        request = urllib.request.Request(self.url, data=body, method="POST", headers={
            "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0",
            # Neither side checks signatures; moto finds the service by the scope.
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
                             "SignedHeaders=host, Signature=0"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return {}, {"status": answer.status, "answer": answer.read().decode()}
        except urllib.error.HTTPError as error:
            code = error.headers.get("x-amzn-query-error", "").split(";")[0]
            return {}, {"status": error.code, "error": code}

    def run(self, number, queue_attributes, steps):
        """The answers to the steps, on queues of this case alone."""
        name = f"case-{number}"
        dead_url = self.client.create_queue(QueueName=f"dead-{number}")["QueueUrl"]
        arn = self.client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        known = {"$name": name, "$dlq-arn": arn, "$dlq": dead_url}
        given = fill(queue_attributes, known, [])
        known["$q"] = self.client.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
        answers, seen = [], []
        for operation, parameters in steps:
            answer, outcome = self.call(operation, fill(parameters, known, answers))
            answers.append(answer)
            seen.append({"call": operation, **normal(outcome)})
        return seen


def fill(value, known, answers):
    """The value with its `$` references replaced."""
    if isinstance(value, dict):
        return {key: fill(inner, known, answers) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, known, answers) for inner in value]
    if isinstance(value, bytes) and b"$q" in value:
        return value.replace(b"$q", known["$q"].encode())
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\$\d+(\.\w+)+", value):
        step, *path = value[1:].split(".")
        found = answers[int(step)]
        for key in path:
            # An earlier step that failed leaves nothing to refer to: its own answer shows that.
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError):
                return "nothing"
        return found
    return re.sub(r"\$(name|dlq-arn|dlq|q)\b", lambda match: known.get(match.group(0), ""), value)


def normal(value, key=""):
    """The value without what differs from service to service."""
    if isinstance(value, dict):
        # An empty list and a missing one are the same to a caller.
        kept = {k: v for k, v in value.items() if v != [] and not (key == "Failed" and k == "Message")}
        return {k: normal(v, key if k.isdigit() else k) for k, v in sorted(kept.items())}
    if isinstance(value, list):
        inner = [normal(item, key) for item in value]
        return sorted(inner, key=lambda item: json.dumps(item, sort_keys=True, default=repr))
    if key in ("MessageId", "TaskHandle"):
        return "<id>"
    if key in ("ReceiptHandle", "NextToken"):
        return "<handle>"
    if key in ("SenderId",) or key.endswith("Timestamp"):
        return f"<{key}>"
    if key == "RedrivePolicy":
        policy = json.loads(value)
        policy["maxReceiveCount"] = str(policy["maxReceiveCount"])
        value = json.dumps(policy, sort_keys=True)
    if isinstance(value, str):
        value = re.sub(r"arn:aws:sqs:[\w-]*:\d+:", "arn:", value)
        value = re.sub(r"https?://[^/]+/\d+/", "queue/", value)
        return value if len(value) < 300 else f"<{len(value)} characters>"
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_moto():
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "true"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    process.kill()
    raise SystemExit("moto did not start")


def start_ours():
    program = Path(os.environ.get("RAPPORT_SQS", ROOT / "target/debug/examples/serve"))
    if not program.is_file():
        raise SystemExit(f"{program} is missing: cargo build --package rapport-sqs --examples")
    process = subprocess.Popen([program, "--port", "0", "--memory"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    url = process.stdout.readline().strip()
    if not url.startswith("http://"):
        raise SystemExit("the endpoint did not start")
    return process, url


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def show(label, value):
    print(f"    {label}: {json.dumps(value, ensure_ascii=False, default=repr)}")


def main():
    processes = []
    try:
        if len(sys.argv) > 1:
            url = sys.argv[1]
        else:
            ours_process, url = start_ours()
            processes.append(ours_process)
        moto_process, moto_url = start_moto()
        processes.append(moto_process)
        ours, moto = Endpoint(url), Endpoint(moto_url)
        return compare(ours, moto)
    finally:
        for process in processes:
            end(process)


def compare(ours, moto):
    # Names are fresh in each run, so that an endpoint with a memory can be asked twice.
    run = f"{int(time.time()) % 1_000_000}-{os.getpid()}"
    table = [(*case, None, None) for case in CASES] + DOCUMENTED

    def both(numbered):
        number, (_, queue_attributes, steps, *_) = numbered
        key = f"{run}-{number}"
        return ours.run(key, queue_attributes, steps), moto.run(key, queue_attributes, steps)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(both, enumerate(table)))
    agreed = documented = failed = 0
    for (name, _, _, expected, reason), (mine, theirs) in zip(table, outcomes):
        if expected is None:
            if mine == theirs:
                agreed += 1
                continue
            failed += 1
            print(f"FAILED {name}")
            for step, (a, b) in enumerate(zip(mine, theirs)):
                if a != b:
                    show(f"step {step}, ours", a)
                    show(f"step {step}, moto", b)
        else:
            found = mine[-1].get("error", mine[-1].get("answer"))
            right = found == (normal(expected) if isinstance(expected, dict) else expected)
            right = right and 200 <= mine[-1]["status"] < 500
            if right:
                documented += 1
            else:
                failed += 1
                print(f"FAILED {name} (documented; {reason})")
                show("ours", mine[-1])
                show("documented", expected)
            if mine == theirs:
                print(f"note: moto now agrees on '{name}': it can move to the first table")
    print(f"{agreed} cases agree with moto, {documented} keep to the documentation where moto does not")
    print(f"{agreed + documented} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
