#!/usr/bin/env python3
"""Holds the rights in infra/template.yaml against the calls that the functions really made while the tests ran.

    cargo test -p tests --test suite && python access.py

The tests leave each kind of call once under target/calls (tests/src/calls.rs). For each of them:

1. the function's role allows it to the credentials it was made with: the tenant's, or the function's own;
2. for another tenant's partition, alone or among its own, it is denied: by the role, and by the session policy alone;
3. to the function's own credentials a tenant's partition is denied, and so is what names no partition at all;
4. no right is left that no call needed: function, action, table, index or queue, and family of partitions. Calls that the tests
   cannot bring about are listed in UNSEEN, each with its reason. narrow.py writes the rights anew.

The session policy and the partitions that belong to nobody are read from the sources. The last line is `N passed, N failed`.
"""

import copy
import functools
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from policy import KEYS, TAG, allowed  # noqa: E402
from source import ROOT, Project, Template, as_list, load, target  # noqa: E402

CALLS = ROOT / "target/calls"
ONE, OTHER = "tnt_01h455vb4pex5vsknk084sn02q", "tnt_01h455vb4pex5vsknk084sn02r"


def of_tenant(action, table):
    return {"action": f"dynamodb:{action}", "table": table, "index": "", "keys": ["{own}#"], "credentials": "tenant"}


def sent(queue):
    return {"action": "sqs:SendMessage", "queue": queue}


# What functions do that the tests, in which all are one process, seldom or never see.
UNSEEN = {
    # They remember a tenant's rules together, so that the first one reads them for all, and tell together what they counted.
    "*": [of_tenant("Query", "IdentityTable"), of_tenant("UpdateItem", "UsageTable")],
    # For five seconds they remember together what the plan leaves room for.
    "import-rows": [of_tenant("Query", "UsageTable")],
    "webhook-intake": [of_tenant("Query", "UsageTable")],
    # A message that comes before its time, as after a clock that was set back, is sent again.
    "report-exports": [sent("ReportExportsQueue")],
}
# Whoever changes a record may have to free a value that it held alone, which may happen to be in no test of that function.
HOLDING = {"LeadsTable", "ContactsTable", "OrdersTable", "TicketsTable"}


def calls():
    """Every kind of call that was noted, by function."""
    notes = {line for file in sorted(CALLS.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()}
    found = {}
    for note in map(json.loads, sorted(notes)):
        found.setdefault(note["function"], []).append(note)
    return found


def unseen(template, function, notes):
    """The calls of a function that are known without having been noted."""
    name, environment = crate(template, function), template.environment(function)
    tables = {target(value)[0] for variable, value in environment.items() if variable.startswith("TABLE_")}
    # The operator's function acts for no tenant.
    common = [note for note in UNSEEN["*"] if name != "operator" and note["table"] in tables]
    changed = {note["table"] for note in notes if note["action"] == "dynamodb:PutItem" and note["keys"] == ["{own}#"]}
    return common + [of_tenant("DeleteItem", table) for table in sorted(changed & HOLDING)] + UNSEEN.get(name, [])


@functools.cache
def session_policy(tenant):
    """What shared/runtime/src/tenant.rs sends along for a tenant."""
    source = (ROOT / "shared/runtime/src/tenant.rs").read_text(encoding="utf-8")
    actions = re.findall(r'"(dynamodb:\w+Item|dynamodb:Query)"', source)
    partitions = [f"{tenant}#*", *Project().of_no_tenant]
    condition = {"ForAllValues:StringLike": {KEYS: partitions}, "Null": {KEYS: "false"}}
    return [{"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition}]


def place(value):
    """A resource by its name in the template: `LeadsTable`, `LeadsTable/index/by_status`."""
    name, rest = target(value)
    return f"{name}{rest.removeprefix('.Arn')}" if name else str(value)


def statements(template, function):
    return [{**one, "Resource": [place(resource) for resource in as_list(one["Resource"])]} for one in template.statements(function)]


def crate(template, function):
    return template.functions[function]["CodeUri"].rstrip("/").rsplit("/", 1)[-1].removesuffix(".zip")


def resource_of(note):
    if "queue" in note:
        return note["queue"]
    return f"{note['table']}/index/{note['index']}" if note["index"] else note["table"]


def partitions(note, tenant):
    return [f"{family.replace('{own}', tenant)}x" for family in note["keys"]]


def permits(role, note):
    """Whether a role permits what was noted."""
    context = {TAG: ONE} if note.get("credentials") == "tenant" else {}
    keys = {KEYS: partitions(note, ONE)} if "keys" in note else {}
    return allowed(role, note["action"], resource_of(note), {**context, **keys}, careful=True)


def of_tables(note, role):
    """What is wrong with the decisions about one call of a table."""
    action, resource = note["action"], resource_of(note)
    context = {TAG: ONE} if note["credentials"] == "tenant" else {}
    decide = lambda keys, given=context: allowed(role, action, resource, {**given, **({KEYS: keys} if keys else {})})
    by_session = lambda keys: allowed(session_policy(ONE), action, resource, {KEYS: keys})
    own, other = partitions(note, ONE), partitions(note, OTHER)
    if not own or any(family.startswith("{other}") for family in note["keys"]):
        yield "is made for a partition that is not its credentials' own"
    # A transaction may be judged item by item or as a whole: both have to do.
    for keys in [own, *([key] for key in own)]:
        if not allowed(role, action, resource, {**context, KEYS: keys}, careful=True):
            yield f"is not allowed: {keys}"
        if context and not by_session(keys):
            yield f"is not allowed by the session policy: {keys}"
    if context and "{own}#" in note["keys"]:
        for keys in [[f"{OTHER}#x"], other, own + other, [f"{ONE}x#x"], [f"{ONE}"], ["#x"]]:
            if decide(keys):
                yield f"is allowed for another's partition: {keys}"
            if by_session(keys):
                yield f"is allowed for another's partition by the session policy: {keys}"
    if decide([f"{ONE}#x"], {}) or decide(own + [f"{ONE}#x"], {}):
        yield "is allowed for a tenant's partition without the tenant's credentials"
    if decide([]) or decide([], {}):
        yield "is allowed without a partition"


def unused(role, notes):
    """Rights without which everything is allowed just the same: action, resource and family of partitions, one by one."""

    def needed(action, resource, rest):
        """Whether a call of this action and resource needs more than the rest of the role."""
        return any(not permits(rest, note) for note in notes if note["action"] == action and resource_of(note) == resource)

    for place, statement in enumerate(role):
        others = role[:place] + role[place + 1 :]
        for action in as_list(statement["Action"]):
            if action.split(":")[0] not in ("dynamodb", "sqs"):
                continue
            for resource in statement["Resource"]:
                if not needed(action, resource, others):
                    yield f"{action} on {resource} is never needed"
                    continue
                families = as_list(statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get(KEYS))
                for family in families:
                    less = copy.deepcopy(statement)
                    less["Condition"]["ForAllValues:StringLike"][KEYS] = [one for one in families if one != family]
                    if not needed(action, resource, [*others, less]):
                        yield f"{action} on {resource} is never needed for {family}"


def main():
    template, noted = Template(load()), calls()
    passed = failed = 0
    for function in template.functions:
        name, role = crate(template, function), statements(template, function)
        notes = noted.pop(name, [])
        findings = [] if notes or not template.environment(function).keys() & {"TENANT_ROLE"} else ["no call of it was noted"]
        for note in notes:
            wrong = of_tables(note, role) if "table" in note else [] if permits(role, note) else ["is not allowed"]
            told = f"{note['action']} on {resource_of(note)} {note.get('keys', '')} ({note.get('credentials', 'own')})"
            findings += [f"{told} {problem}" for problem in wrong]
        findings += sorted(set(unused(role, notes + unseen(template, function, notes))))
        passed, failed = passed + (not findings), failed + bool(findings)
        if findings:
            print(f"FAILED {name}", *findings, sep="\n    ")
    if noted:
        failed += 1
        print(f"FAILED calls of functions that the template does not have: {', '.join(noted)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
