#!/usr/bin/env python3
"""Writes each function's rights on tables and queues in infra/template.yaml anew, from the calls noted under target/calls.

    cargo test -p tests --test suite && python narrow.py && git diff infra/template.yaml

What no test calls loses its right: read the difference, and write the test that is missing rather than the right. Prints the
variables that lead to tables and queues for which no right is left.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from access import calls, crate, resource_of, unseen  # noqa: E402
from source import TEMPLATE, Template, as_list, load, target  # noqa: E402

ACTIONS = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem"]
OWN = "${aws:PrincipalTag/tenant}#*"


def places(template):
    """Tables and indexes in the order of the template."""
    for name, table in template.tables.items():
        yield name
        yield from (f"{name}/index/{index['IndexName']}" for index in table.get("GlobalSecondaryIndexes", []))


def written(actions, resources, partitions):
    """A statement as the template writes it."""
    yield "            - Effect: Allow"
    yield f"              Action: [{', '.join(actions)}]"
    yield "              Resource:"
    for resource in resources:
        name, _, rest = resource.partition("/")
        yield f'                - !Sub "${{{name}.Arn}}/{rest}"' if rest else f"                - !GetAtt {name}.Arn"
    if partitions:
        listed = ", ".join(f'"{one}"' for one in partitions)
        yield "              Condition:"
        yield f"                ForAllValues:StringLike: {{dynamodb:LeadingKeys: [{listed}]}}"
        yield '                "Null": {dynamodb:LeadingKeys: "false"}'


def rights(template, notes):
    """The statements that a function's calls need: first those of a tenant, with what its transactions hold of nobody's."""
    order = list(places(template))
    own, nobodys = {}, {}
    for note in sorted(notes, key=lambda note: "{own}#" not in note.get("keys", [])):
        if "table" in note:
            what = (note["action"].split(":")[1], resource_of(note))
            families = {family for family in note["keys"] if family != "{own}#"}
            if "{own}#" in note["keys"]:
                own.setdefault(what, set()).update(families)
            elif note["credentials"] == "own" or not families <= own.get(what, set()):
                nobodys.setdefault(what, set()).update(families)
    for kind, first in ((own, [OWN]), (nobodys, [])):
        actions, groups = {}, {}
        for (action, resource), families in kind.items():
            partitions = (*first, *(f"{family}*" for family in sorted(families)))
            actions.setdefault((resource, partitions), set()).add(action)
        for (resource, partitions), found in actions.items():
            groups.setdefault((tuple(sorted(found, key=ACTIONS.index)), partitions), []).append(resource)
        for (found, partitions), resources in sorted(groups.items(), key=lambda one: min(map(order.index, one[1]))):
            yield from written([f"dynamodb:{action}" for action in found], sorted(resources, key=order.index), partitions)
    actions, groups = {}, {}
    for note in notes:
        if "queue" in note:
            actions.setdefault(note["queue"], set()).add(note["action"])
    for queue in sorted(actions, key=list(template.queues).index):
        groups.setdefault(tuple(sorted(actions[queue])), []).append(queue)
    for found, queues in groups.items():
        yield from written(found, queues, None)


def main():
    template, noted = Template(load()), calls()
    lines, kept, function, done = TEMPLATE.read_text(encoding="utf-8").split("\n"), [], None, set()
    while lines:
        line = lines.pop(0)
        if re.match(r"  \w", line):
            function = line.strip().rstrip(":") if line.strip().rstrip(":") in template.functions else None
        if function and line == "            - Effect: Allow" and re.search(r"\[(dynamodb|sqs):", lines[0]):
            while lines[0].startswith("              "):
                lines.pop(0)
            if function not in done:
                notes = noted.get(crate(template, function), [])
                kept += rights(template, notes + unseen(template, function, notes))
                done.add(function)
            continue
        if line.strip() != "# Before a tenant is known.":
            kept.append(line)
    TEMPLATE.write_text("\n".join(kept), encoding="utf-8")
    template = Template(load())
    for function in template.functions:
        granted = {target(resource)[0] for one in template.statements(function) for resource in as_list(one["Resource"])}
        for variable, value in template.environment(function).items():
            if variable.startswith(("TABLE_", "QUEUE_")) and target(value)[0] not in granted:
                print(f"{function} names {variable} and needs it not")


if __name__ == "__main__":
    main()
