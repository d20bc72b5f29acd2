"""The template as data, and what the workspace says about it: read here, judged in rules.py.

Short forms are written out (`!Ref X` is `{"Ref": "X"}`, `!GetAtt A.B` is `{"Fn::GetAtt": "A.B"}`), and the values of
Globals are merged into each function, as SAM does.
"""

import copy
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra/template.yaml"


class Loader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation."""


def _short(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _short)


def load(path=TEMPLATE):
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader)


def merged(over, under):
    """A function's own value over that of Globals: mappings are merged, everything else is replaced."""
    if isinstance(over, dict) and isinstance(under, dict):
        keys = list(under) + [key for key in over if key not in under]
        return {key: merged(over[key], under[key]) if key in over and key in under else over.get(key, under.get(key)) for key in keys}
    return over


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def target(value):
    """The resource that a Ref, GetAtt or single-variable Sub leads to, and what follows its name."""
    if not isinstance(value, dict):
        return None, None
    if "Ref" in value:
        return value["Ref"], ""
    if "Fn::GetAtt" in value:
        parts = value["Fn::GetAtt"]
        parts = parts.split(".") if isinstance(parts, str) else parts
        return parts[0], "." + ".".join(parts[1:])
    if "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
        found = re.fullmatch(r"\$\{(\w+)(\.\w+)?\}(.*)", value["Fn::Sub"])
        if found:
            return found[1], (found[2] or "") + found[3]
    return None, None


def crate(function):
    """The crate of a function, which its archive is named after."""
    return str(function.get("CodeUri", "")).rstrip("/").rsplit("/", 1)[-1].removesuffix(".zip")


class Template:
    """What rules ask for, over one parsed template."""

    def __init__(self, document):
        self.document = document
        self.resources = document["Resources"]
        shared = document.get("Globals", {}).get("Function", {})
        self.functions = {
            name: merged(copy.deepcopy(one.get("Properties", {})), shared) for name, one in self.of("AWS::Serverless::Function").items()
        }
        self.tables = {name: one.get("Properties", {}) for name, one in self.of("AWS::DynamoDB::Table").items()}
        self.queues = {name: one.get("Properties", {}) for name, one in self.of("AWS::SQS::Queue").items()}
        self.alarms = {name: one.get("Properties", {}) for name, one in self.of("AWS::CloudWatch::Alarm").items()}

    def of(self, kind):
        return {name: one for name, one in self.resources.items() if one.get("Type") == kind}

    def environment(self, function):
        return self.functions[function].get("Environment", {}).get("Variables", {})

    def statements(self, function):
        for policy in as_list(self.functions[function].get("Policies")):
            # A managed policy or a policy template of SAM is not ours to read: rules refuse it by name.
            yield from as_list(policy.get("Statement")) if isinstance(policy, dict) else []

    def events(self, kind):
        for function, one in self.functions.items():
            for name, event in one.get("Events", {}).items():
                if event["Type"] == kind:
                    yield f"{function}.{name}", function, event.get("Properties", {})

    def dead_letters(self):
        """Queues that others give their failures to."""
        found = {target(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))[0] for queue in self.queues.values()}
        for kind in ("DynamoDB", "SQS", "ScheduleV2", "Schedule"):
            for _, _, event in self.events(kind):
                found.add(target(event.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))[0])
                found.add(target(event.get("DeadLetterConfig", {}).get("Arn"))[0])
        return found - {None}

    def alarm(self, metric, dimension, value):
        """The names of alarms on a metric of one resource."""
        return [
            name
            for name, one in self.alarms.items()
            if one.get("MetricName") == metric
            and any(d["Name"] == dimension and target(d["Value"])[0] == value for d in one.get("Dimensions", []))
        ]


class Project:
    """What the sources say: crates, variables, indexes."""

    def __init__(self, root=ROOT):
        self.functions = {folder.parent.name for folder in (root / "functions").glob("*/Cargo.toml")}
        key = (root / "shared/store/src/key.rs").read_text(encoding="utf-8")
        message = (root / "shared/queue/src/message.rs").read_text(encoding="utf-8")
        #: Table::Leads -> TABLE_LEADS
        self.tables = dict(re.findall(r'^\s+(\w+) = "(TABLE_\w+)",', key, re.M))
        self.queues = dict(re.findall(r'^\s+(\w+) = "(QUEUE_\w+)",', message, re.M))
        #: partitions that belong to no tenant, as policies write them
        self.of_no_tenant = re.findall(r'"(.*?)"', re.search(r"OF_NO_TENANT: \[&str; \d+\] = \[(.*?)\];", key, re.S)[1])
        #: (file, index, variables of the tables its records may lie in)
        self.indexes = set()
        for file in sorted((root / "shared/store/src").rglob("*.rs")):
            text = re.split(r"^#\[cfg\(test\)\]", file.read_text(encoding="utf-8"), maxsplit=1, flags=re.M)[0]
            text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
            beside = r'Filter::beside\(\s*"\w+",\s*"(by_\w+)",\s*Table::(\w+)'
            for index, table in re.findall(beside, text):
                self.indexes.add((file.name, index, frozenset([self.tables[table]])))
            text = re.sub(beside, "", text)
            kept = re.findall(r"const TABLE: Table = Table::(\w+)", text) or re.findall(r"Table::(\w+)", text)
            tables = frozenset(self.tables[table] for table in kept if table in self.tables)
            for index in re.findall(r'"(by_\w+?)"', text):
                if not index.endswith("_at") and tables:
                    self.indexes.add((file.name, index, tables))
