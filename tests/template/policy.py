"""Decides a request by IAM's rules, for the part of its language that the template uses; anything else is refused loudly.

Where AWS leaves room, a case is decided the careless way round: a value that is put in the place of a policy variable may
hold wildcards of its own. CASES is what it was held against.
"""

import functools
import re

from source import as_list

VARIABLE = re.compile(r"\$\{([^}]*)\}")


@functools.cache
def _written(pattern):
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern), re.DOTALL)


def like(pattern, text):
    """Whether a text fits a pattern with `*` and `?`."""
    return _written(pattern).fullmatch(text) is not None


def written_out(pattern, context):
    """A pattern with the values of its variables in it; None when one has no value: then it fits nothing."""
    names = VARIABLE.findall(pattern)
    if any(name not in context for name in names):
        return None
    return VARIABLE.sub(lambda found: context[found[1]], pattern)


def fits_some(value, patterns, context, compare):
    return any(compare(pattern, value) for pattern in (written_out(pattern, context) for pattern in patterns) if pattern is not None)


OPERATORS = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringLike": like,
    "ArnLike": like,
}


def holds(operator, key, wanted, context, careful):
    """Whether one condition holds. A key that is absent is not in the context, or without values there."""
    if careful and any(written_out(str(one), context) is None for one in as_list(wanted)):
        return False
    patterns, values = [str(one) for one in as_list(wanted)], as_list(context.get(key))
    if operator == "Null":
        if patterns not in (["true"], ["false"]):
            raise ValueError(f"Null: {patterns}")
        return (patterns == ["true"]) == (not values)
    quantifier, _, name = operator.rpartition(":")
    if name not in OPERATORS or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(f"the operator {operator} is not understood")
    found = [fits_some(value, patterns, context, OPERATORS[name]) for value in values]
    if quantifier == "ForAllValues":
        return all(found)
    if quantifier == "" and len(found) > 1:
        raise ValueError(f"{operator} of several values")
    return any(found)


def applies(statement, action, resource, context, careful):
    unknown = set(statement) - {"Effect", "Action", "Resource", "Condition", "Sid", "Principal"}
    if unknown:
        raise ValueError(f"{sorted(unknown)} is not understood")
    # A trust policy is part of what it is about: it names no resource.
    return (
        any(like(pattern.lower(), action.lower()) for pattern in as_list(statement["Action"]))
        and any(like(pattern, resource) for pattern in as_list(statement.get("Resource", "*")))
        and all(
            holds(operator, key, wanted, context, careful)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def allowed(statements, action, resource, context, careful=False):
    """Whether a request is allowed. `careful` takes a condition with a variable that has no value for one that does not hold,
    whatever else it lists: what is needed has to be allowed like that, and what is forbidden to be denied the other way too."""
    effects = {statement["Effect"] for statement in statements if applies(statement, action, resource, context, careful)}
    return "Allow" in effects and "Deny" not in effects


# ---------------------------------------------------------------- what it was held against

KEYS, TAG = "dynamodb:LeadingKeys", "aws:PrincipalTag/tenant"
GUARDED = {"ForAllValues:StringLike": {KEYS: ["${aws:PrincipalTag/tenant}#*"]}, "Null": {KEYS: "false"}}
BARE = {"ForAllValues:StringLike": {KEYS: ["${aws:PrincipalTag/tenant}#*"]}}
SHORT = {"ForAllValues:StringLike": {KEYS: ["${aws:PrincipalTag/tenant}*"]}, "Null": {KEYS: "false"}}
LOGINS = {"ForAllValues:StringLike": {KEYS: ["login#*"]}, "Null": {KEYS: "false"}}
BOTH = {"ForAllValues:StringLike": {KEYS: ["${aws:PrincipalTag/tenant}#*", "login#*"]}, "Null": {KEYS: "false"}}
EXACT = {"StringEquals": {TAG: "a"}}
TRUST = {"StringLike": {"aws:RequestTag/tenant": "tnt_??"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["tenant"]}}


def allow(condition=None, action="dynamodb:GetItem", resource="t", effect="Allow"):
    return {"Effect": effect, "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


READ = ("dynamodb:GetItem", "t")
#: what is shown, statements, (action, resource), context, whether it is allowed
CASES = [
    ("nothing is allowed by itself", [], READ, {}, False),
    ("what is written is allowed", [allow()], READ, {}, True),
    ("another action is not", [allow()], ("dynamodb:PutItem", "t"), {}, False),
    ("another resource is not", [allow()], ("dynamodb:GetItem", "t/index/i"), {}, False),
    ("letters of actions may be large or small", [allow(action="DynamoDB:getitem")], READ, {}, True),
    ("those of resources may not", [allow(resource="T")], READ, {}, False),
    ("a wildcard fits", [allow(action="dynamodb:Get*", resource="*")], READ, {}, True),
    ("? is one letter", [allow(action="dynamodb:GetIte?")], READ, {}, True),
    ("? is not none", [allow(action="dynamodb:GetItem?")], READ, {}, False),
    ("one of several statements is enough", [allow(action="sqs:SendMessage"), allow()], READ, {}, True),
    ("a denial wins", [allow(), allow(effect="Deny")], READ, {}, False),
    ("a denial wins in any order", [allow(effect="Deny"), allow()], READ, {}, False),
    ("a denial of something else does not", [allow(), allow(effect="Deny", action="dynamodb:Query")], READ, {}, True),
    ("a denial whose condition fails does not", [allow(), allow(EXACT, effect="Deny")], READ, {TAG: "b"}, True),
    ("a dot is a dot", [allow(resource="a.c")], ("dynamodb:GetItem", "abc"), {}, False),
    ("one's own", [allow(GUARDED)], READ, {TAG: "a", KEYS: ["a#x"]}, True),
    ("another's", [allow(GUARDED)], READ, {TAG: "a", KEYS: ["b#x"]}, False),
    ("one's own and another's", [allow(GUARDED)], READ, {TAG: "a", KEYS: ["a#x", "b#x"]}, False),
    ("whose name begins alike, behind the delimiter", [allow(GUARDED)], READ, {TAG: "a", KEYS: ["ab#x"]}, False),
    ("whose name begins alike, without the delimiter", [allow(SHORT)], READ, {TAG: "a", KEYS: ["ab#x"]}, True),
    ("no keys, such as of a scan, with the guard", [allow(GUARDED)], READ, {TAG: "a"}, False),
    ("no keys, such as of a scan, without it", [allow(BARE)], READ, {TAG: "a"}, True),
    ("an empty list of keys is none", [allow(GUARDED)], READ, {TAG: "a", KEYS: []}, False),
    ("an empty list passes without the guard", [allow(BARE)], READ, {TAG: "a", KEYS: []}, True),
    ("without a tag", [allow(GUARDED)], READ, {KEYS: ["a#x"]}, False),
    ("without a tag, a key that looks as if it had none", [allow(GUARDED)], READ, {KEYS: ["#x"]}, False),
    ("without a tag, a key that looks like the variable", [allow(GUARDED)], READ, {KEYS: ["${aws:PrincipalTag/tenant}#x"]}, False),
    ("an empty tag", [allow(GUARDED)], READ, {TAG: "", KEYS: ["a#x"]}, False),
    ("a tag that is a wildcard opens all: trust has to refuse it", [allow(GUARDED)], READ, {TAG: "*", KEYS: ["a#x"]}, True),
    ("so does one with a wildcard in it", [allow(GUARDED)], READ, {TAG: "?", KEYS: ["a#x"]}, True),
    ("what is nobody's, without a tag", [allow(LOGINS)], READ, {KEYS: ["login#x"]}, True),
    ("what is a tenant's, among what is nobody's", [allow(LOGINS)], READ, {KEYS: ["login#x", "a#x"]}, False),
    ("a partition that begins like nobody's", [allow(LOGINS)], READ, {KEYS: ["logins#x"]}, False),
    ("both, where one statement has both", [allow(BOTH)], READ, {TAG: "a", KEYS: ["login#x", "a#x"]}, True),
    ("two statements do not add up to both", [allow(LOGINS), allow(GUARDED)], READ, {TAG: "a", KEYS: ["login#x", "a#x"]}, False),
    ("both, without a tag", [allow(BOTH)], READ, {KEYS: ["login#x", "a#x"]}, False),
    ("case matters in keys", [allow(GUARDED)], READ, {TAG: "a", KEYS: ["A#x"]}, False),
    ("equal", [allow(EXACT)], READ, {TAG: "a"}, True),
    ("not equal", [allow(EXACT)], READ, {TAG: "b"}, False),
    ("equal to nothing", [allow(EXACT)], READ, {}, False),
    ("equality knows no wildcards", [allow({"StringEquals": {TAG: "*"}})], READ, {TAG: "a"}, False),
    ("absent is null", [allow({"Null": {TAG: "true"}})], READ, {}, True),
    ("present is not null", [allow({"Null": {TAG: "true"}})], READ, {TAG: "a"}, False),
    ("any of none is none", [allow({"ForAnyValue:StringLike": {KEYS: ["*"]}})], READ, {}, False),
    ("any of several", [allow({"ForAnyValue:StringLike": {KEYS: ["a#*"]}})], READ, {KEYS: ["b#x", "a#x"]}, True),
    ("all conditions have to hold", [allow({**EXACT, "Null": {KEYS: "false"}})], READ, {TAG: "a"}, False),
    ("a role for a tenant", [allow(TRUST)], READ, {"aws:RequestTag/tenant": "tnt_ab", "aws:TagKeys": ["tenant"]}, True),
    ("a role for nobody", [allow(TRUST)], READ, {}, False),
    ("a role with another tag too", [allow(TRUST)], READ, {"aws:RequestTag/tenant": "tnt_ab", "aws:TagKeys": ["tenant", "x"]}, False),
    ("a role for a wildcard", [allow(TRUST)], READ, {"aws:RequestTag/tenant": "*", "aws:TagKeys": ["tenant"]}, False),
    ("a role for too long a name", [allow(TRUST)], READ, {"aws:RequestTag/tenant": "tnt_abc", "aws:TagKeys": ["tenant"]}, False),
]
#: what must not pass as understood
REFUSED = [
    allow({"StringLikeIfExists": {KEYS: "a"}}),
    allow({"ForMostValues:StringLike": {KEYS: "a"}}),
    allow({"Null": {KEYS: "no"}}),
    {**allow(), "NotAction": "dynamodb:Scan"},
    {**allow(), "NotResource": "t"},
]


def findings():
    """Where the evaluator decides otherwise than CASES, or takes what it does not understand."""
    found = [
        f"{name}: {'refused' if expected else 'allowed'}"
        for name, statements, (action, resource), context, expected in CASES
        if allowed(statements, action, resource, context) != expected
    ]
    lax = [allowed([allow(BOTH)], *READ, {KEYS: ["login#x"]}, careful) for careful in (False, True)]
    if lax != [True, False]:
        found.append(f"a variable without a value among other patterns: {lax}")
    for statement in REFUSED:
        try:
            allowed([statement], *READ, {KEYS: ["a"]})
            found.append(f"{statement} is taken for understood")
        except ValueError:
            pass
    return found
