"""What the template promises, as rules: each a function that gives its findings, and the breakages that it must notice.

A breakage changes a copy of the parsed template; the rule has to find something in the copy that it did not find before.
A rule without a breakage cannot be written: `rule` asks for at least one.
"""

import re
from collections import Counter

from source import as_list, crate, target

RULES = []


def rule(*breakages):
    """Registers a rule together with what it must notice."""
    if not breakages:
        raise ValueError("a rule must be shown to fail")

    def register(check):
        RULES.append((check.__name__.replace("_", " "), check, breakages))
        return check

    return register


def at(path, value=None, drop=False):
    """A breakage: sets (or drops) what lies at `A/B/0/C` under Resources."""

    def change(document):
        here = document["Resources"]
        *way, last = path.split("/")
        for step in way:
            here = here[int(step) if isinstance(here, list) else step]
        last = int(last) if isinstance(here, list) else last
        if drop:
            del here[last]
        else:
            here[last] = value

    change.__name__ = f"{'without ' if drop else ''}{path}{'' if drop else ' = ' + str(value)}"
    return change


def without(path):
    return at(path, drop=True)


def named(text):
    """A breakage written as a function of the whole document."""

    def name(change):
        change.__name__ = text
        return change

    return name


def grant(function, action, resource):
    @named(f"{function} may {action} {resource}")
    def change(document):
        policy = document["Resources"][function]["Properties"].setdefault("Policies", [{"Statement": []}])
        policy[0]["Statement"].append({"Effect": "Allow", "Action": [action], "Resource": [resource]})

    return change


# ---------------------------------------------------------------- tables

RECORDS = ["LEADS", "CONTACTS", "ORDERS", "TICKETS", "SCORES", "SURVEYS"]
# What is kept for a while lies in these.
EXPIRING = ["IDENTITY", "LEADS", "CONTACTS", "ORDERS", "TICKETS", "INSIGHTS", "SURVEYS", "WEBHOOKS", "SEARCH", "IMPORTS"]


def table_named(template, variable):
    """The table that a variable leads to, by the first function that names it."""
    for function in template.functions:
        name = target(template.environment(function).get(f"TABLE_{variable}"))[0]
        if name:
            return name
    return None


def each_table(template, wrong):
    return [name for name, table in template.tables.items() if wrong(table)]


@rule(at("LeadsTable/Properties/BillingMode", "PROVISIONED"), without("TimersTable/Properties/BillingMode"))
def tables_are_paid_on_demand(template, project):
    return each_table(template, lambda table: table.get("BillingMode") != "PAY_PER_REQUEST")


@rule(without("OrdersTable/Properties/PointInTimeRecoverySpecification"), at("LeadsTable/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", False))
def tables_can_be_set_back_in_time(template, project):
    return each_table(template, lambda table: table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is not True)


@rule(at("EventsTable/Properties/DeletionProtectionEnabled", False))
def tables_are_protected_from_deletion(template, project):
    return each_table(template, lambda table: table.get("DeletionProtectionEnabled") is not True)


@rule(without("ContactsTable/DeletionPolicy"), at("ContactsTable/UpdateReplacePolicy", "Delete"))
def tables_outlive_the_stack(template, project):
    return [
        f"{name}: {policy}"
        for name, table in template.of("AWS::DynamoDB::Table").items()
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if table.get(policy) != "Retain"
    ]


@rule(without("SearchTable/Properties/SSESpecification"))
def tables_are_encrypted(template, project):
    return each_table(template, lambda table: table.get("SSESpecification", {}).get("SSEEnabled") is not True)


@rule(without("TicketsTable/Properties/StreamSpecification"), at("LeadsTable/Properties/StreamSpecification/StreamViewType", "NEW_IMAGE"))
def tables_of_records_have_streams_of_both_images(template, project):
    names = {variable: table_named(template, variable) for variable in RECORDS}
    return [
        f"{variable}: {name}"
        for variable, name in names.items()
        if template.tables.get(name, {}).get("StreamSpecification", {}).get("StreamViewType") != "NEW_AND_OLD_IMAGES"
    ]


@rule(at("LeadsTable/Properties/TimeToLiveSpecification/AttributeName", "ttl"), without("WebhooksTable/Properties/TimeToLiveSpecification"))
def what_expires_does_so_by_the_attribute_expires(template, project):
    wanted = {"AttributeName": "expires", "Enabled": True}
    missing = [variable for variable in EXPIRING if template.tables.get(table_named(template, variable), {}).get("TimeToLiveSpecification") != wanted]
    other = each_table(template, lambda table: table.get("TimeToLiveSpecification", wanted) != wanted)
    return missing + other


@rule(at("LeadsTable/Properties/KeySchema/0/AttributeName", "id"), at("LeadsTable/Properties/AttributeDefinitions/0/AttributeType", "N"))
def keys_are_pk_and_sk_and_all_are_strings(template, project):
    wanted = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    found = each_table(template, lambda table: table.get("KeySchema") != wanted)
    return found + each_table(template, lambda table: any(one["AttributeType"] != "S" for one in table.get("AttributeDefinitions", [])))


# Indexes that only lead to records of another table.
POINTING = {"by_lifecycle"}


@rule(
    at("LeadsTable/Properties/GlobalSecondaryIndexes/0/IndexName", "owners"),
    at("LeadsTable/Properties/GlobalSecondaryIndexes/1/KeySchema/1/AttributeName", "sk"),
    without("OrdersTable/Properties/GlobalSecondaryIndexes/0/Projection"),
    at("OrdersTable/Properties/GlobalSecondaryIndexes/0/Projection/ProjectionType", "KEYS_ONLY"),
)
def indexes_are_named_by_x_and_keyed_by_x_and_by_x_at(template, project):
    found = []
    for name, table in template.tables.items():
        for index in table.get("GlobalSecondaryIndexes", []):
            by = index["IndexName"]
            keys = [{"AttributeName": by, "KeyType": "HASH"}, {"AttributeName": f"{by}_at", "KeyType": "RANGE"}]
            if not by.startswith("by_") or index.get("KeySchema") != keys:
                found.append(f"{name}.{by}: keys")
            pointing = index.get("IndexName") in POINTING
            if not pointing and index.get("Projection", {}).get("ProjectionType") not in ("ALL", "INCLUDE"):
                found.append(f"{name}.{by}: projects nothing")
    return found


# ---------------------------------------------------------------- rights


def actions(template, function):
    for statement in template.statements(function):
        if statement.get("Effect") == "Allow":
            for action in as_list(statement.get("Action")):
                yield action, as_list(statement.get("Resource"))


def variables(template, function, prefix):
    """TABLE_… and QUEUE_… of a function, and the resources they lead to."""
    return {key: target(value)[0] for key, value in template.environment(function).items() if key.startswith(prefix)}


def granted(template, function, service):
    return {target(resource)[0] for action, resources in actions(template, function) if action.startswith(f"{service}:") for resource in resources}


@rule(grant("LeadsFunction", "dynamodb:Scan", {"Fn::GetAtt": "LeadsTable.Arn"}), grant("LeadsFunction", "dynamodb:PartiQLSelect", {"Fn::GetAtt": "LeadsTable.Arn"}))
def no_function_may_scan(template, project):
    banned = ("scan", "partiql", "export")
    return [f"{function}: {action}" for function in template.functions for action, _ in actions(template, function) if any(word in action.lower() for word in banned)]


@rule(grant("LeadsFunction", "dynamodb:*", {"Fn::GetAtt": "LeadsTable.Arn"}), grant("TimersFunction", "sqs:Send*", {"Fn::GetAtt": "SearchIndexQueue.Arn"}))
def no_action_has_a_wildcard(template, project):
    return [f"{function}: {action}" for function in template.functions for action, _ in actions(template, function) if "*" in action or ":" not in action]


@rule(grant("LeadsFunction", "dynamodb:Query", "*"), grant("LeadsFunction", "dynamodb:Query", {"Fn::Sub": "${LeadsTable.Arn}/index/*"}))
def no_resource_has_a_wildcard(template, project):
    return [
        f"{function}: {action} on {resource}"
        for function in template.functions
        for action, resources in actions(template, function)
        # The end of a role's name is AWS's choice: a_function_takes_its_own_role_for_one_tenant_and_no_other looks at these.
        if not action.startswith("sts:")
        for resource in resources or ["nothing"]
        if "*" in str(resource) or "?" in str(resource) or resource == "nothing"
    ]


@rule(
    at("LeadsFunction/Properties/Policies/0", "AmazonDynamoDBFullAccess"),
    at("LeadsFunction/Properties/Policies/0", {"DynamoDBCrudPolicy": {"TableName": {"Ref": "LeadsTable"}}}),
    at("LeadsFunction/Properties/Policies/0/Statement/1/NotAction", ["dynamodb:Scan"]),
    at("LeadsFunction/Properties/Role", "arn:aws:iam::123456789012:role/any"),
)
def rights_are_written_out_statement_by_statement(template, project):
    found = [
        f"{function}: {policy}"
        for function, one in template.functions.items()
        for policy in as_list(one.get("Policies"))
        if not (isinstance(policy, dict) and "Statement" in policy)
    ]
    found += [f"{function}: a role from elsewhere" for function, one in template.functions.items() if "Role" in one]
    return found + [
        f"{function}: {key}"
        for function in template.functions
        for statement in template.statements(function)
        for key in statement
        if key in ("NotAction", "NotResource")
    ]


def rights_match(template, prefixes, service):
    found = []
    for function in template.functions:
        named = {name for prefix in prefixes for name in variables(template, function, prefix).values()}
        allowed = granted(template, function, service)
        found += [f"{function}: {name} is allowed and not named" for name in sorted(map(str, allowed - named))]
        found += [f"{function}: {name} is named and not allowed" for name in sorted(map(str, named - allowed))]
    return found


@rule(
    grant("LeadsFunction", "dynamodb:GetItem", {"Fn::GetAtt": "OrdersTable.Arn"}),
    without("LeadsFunction/Properties/Environment/Variables/TABLE_CONTACTS"),
    at("LeadsFunction/Properties/Environment/Variables/TABLE_EVENTS", {"Ref": "EventsTable"}),
)
def a_function_is_allowed_the_tables_it_names_and_no_others(template, project):
    return rights_match(template, ["TABLE_"], "dynamodb")


@rule(
    grant("LeadsFunction", "sqs:SendMessage", {"Fn::GetAtt": "SearchIndexQueue.Arn"}),
    without("TimersFunction/Properties/Environment/Variables/QUEUE_TICKET_DEADLINES"),
    at("LeadsFunction/Properties/Environment/Variables/QUEUE_SEARCH_INDEX", {"Ref": "SearchIndexQueue"}),
    without("OperatorFunction/Properties/Environment/Variables/DEAD_LETTERS_SEARCH_INDEX"),
)
def a_function_is_allowed_the_queues_it_names_and_no_others(template, project):
    return rights_match(template, ["QUEUE_", "DEAD_LETTERS_"], "sqs")


# What the operator may look at: accounts, and what was counted. Nothing that a tenant recorded.
OPERATOR_TABLES = {"IdentityTable", "UsageTable"}


@rule(
    grant("OperatorFunction", "dynamodb:GetItem", {"Fn::GetAtt": "ContactsTable.Arn"}),
    grant("OperatorFunction", "dynamodb:DeleteItem", {"Fn::GetAtt": "IdentityTable.Arn"}),
    at("LeadsFunction/Properties/Environment/Variables/OPERATOR_KEYS", "x"),
    at("LeadsFunction/Properties/Environment/Variables/DEAD_LETTERS_SEARCH_INDEX", {"Ref": "SearchIndexDeadLetters"}),
    without("OperatorFunction/Properties/Environment/Variables/QUEUE_SEARCH_INDEX"),
    without("OperatorFunction/Properties/Environment/Variables/DEAD_LETTERS_CHANGE_EVENTS"),
)
def the_operator_sees_all_queues_and_no_records_and_nobody_else_holds_its_keys(template, project):
    operator = "OperatorFunction"
    found = sorted(map(str, granted(template, operator, "dynamodb") - OPERATOR_TABLES))
    found += [action for action, _ in actions(template, operator) if action.endswith("DeleteItem")]
    seen = {name for prefix in ("QUEUE_", "DEAD_LETTERS_") for name in variables(template, operator, prefix).values()}
    found += sorted(set(template.queues) - seen)
    return found + [
        f"{function}: {key}"
        for function in template.functions
        for key in template.environment(function)
        if (key == "OPERATOR_KEYS" or key.startswith("DEAD_LETTERS_")) and function != operator
    ]


@rule(
    grant("LeadsFunction", "dynamodb:Query", {"Fn::Sub": "${LeadsTable.Arn}/index/by_moon"}),
    grant("LeadsFunction", "dynamodb:Query", {"Fn::GetAtt": "LeadsTable.StreamArn"}),
    grant("LeadsFunction", "dynamodb:GetItem", {"Fn::Sub": "${LeadsTable.Arn}/index/by_status"}),
)
def indexes_that_there_are_may_be_queried_and_nothing_else(template, project):
    found = []
    for function in template.functions:
        for action, resources in actions(template, function):
            for table, rest in map(target, resources):
                if action.startswith("dynamodb:") and table in template.tables and rest != ".Arn":
                    there = {f".Arn/index/{index['IndexName']}" for index in template.tables[table].get("GlobalSecondaryIndexes", [])}
                    if action != "dynamodb:Query" or rest not in there:
                        found.append(f"{function}: {action} on {table}{rest}")
    return found


OWN = "${aws:PrincipalTag/tenant}#*"
LEADS = "LeadsFunction/Properties/"
TRUSTED = LEADS + "AssumeRolePolicyDocument/Statement/1/"


def bound_to(statement):
    """The partitions that a statement is bound to; None when it is bound otherwise, or not at all."""
    match statement.get("Condition"):
        case {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*partitions], **more}, "Null": {"dynamodb:LeadingKeys": "false", **other}, **rest}:
            return None if more or other or rest or not partitions else partitions
    return None


def on_tables(template):
    for function in template.functions:
        for number, statement in enumerate(template.statements(function)):
            if any(action.startswith("dynamodb:") for action in as_list(statement.get("Action"))):
                yield f"{function}/{number}", function, statement


@rule(
    without(LEADS + "Policies/0/Statement/1/Condition"),
    without(LEADS + "Policies/0/Statement/1/Condition/Null"),
    at(LEADS + "Policies/0/Statement/1/Condition/Null", {"dynamodb:LeadingKeys": "true"}),
    at(LEADS + "Policies/0/Statement/1/Condition/ForAllValues:StringLike", {"dynamodb:LeadingKeys": ["*"]}),
    at(LEADS + "Policies/0/Statement/1/Condition/ForAllValues:StringLike", {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/tenant}*"]}),
    at(LEADS + "Policies/0/Statement/1/Condition/ForAllValues:StringLike", {"dynamodb:LeadingKeys": [OWN, "lead*"]}),
    at(LEADS + "Policies/0/Statement/1/Condition/ForAnyValue:StringLike", {"dynamodb:LeadingKeys": [OWN]}),
    at(LEADS + "Policies/0/Statement/1/Condition/StringEquals", {"dynamodb:LeadingKeys": OWN}),
    grant("LeadsFunction", "dynamodb:GetItem", {"Fn::GetAtt": "LeadsTable.Arn"}),
)
def rights_to_tables_end_at_the_tenants_partitions_or_those_of_nobody(template, project):
    known = {OWN, *project.of_no_tenant}
    return [name for name, _, statement in on_tables(template) if not set(bound_to(statement) or ["none"]) <= known]


@rule(
    at(LEADS + "Policies/0/Statement/1/Condition/ForAllValues:StringLike", {"dynamodb:LeadingKeys": [OWN, "login#*"]}),
    at(LEADS + "Policies/0/Statement/1/Condition/ForAllValues:StringLike", {"dynamodb:LeadingKeys": ["timer#*"]}),
)
def what_is_nobodys_is_in_the_table_of_its_kind(template, project):
    """And logins are for whoever signs people in or ends their ways in, what the operator did is for the operator."""
    tables = {"login#*": "IdentityTable", "directory#*": "IdentityTable", "operator#*": "IdentityTable", "timer#*": "TimersTable"}
    readers = {"login#*": ("IdentityFunction", "OperatorFunction", "TenantUpkeepFunction"), "operator#*": ("OperatorFunction",)}
    found = []
    for name, function, statement in on_tables(template):
        for partitions in set(bound_to(statement) or []) - {OWN}:
            places = {target(resource)[0] for resource in as_list(statement["Resource"])}
            if places != {tables.get(partitions)} or function not in readers.get(partitions, (function,)):
                found.append(f"{name}: {partitions} in {sorted(map(str, places))}")
    return found


@rule(
    at(LEADS + "Environment/Variables/TENANT_ROLE", {"Fn::GetAtt": "ContactsFunctionRole.Arn"}),
    without(LEADS + "Environment/Variables/TENANT_ROLE"),
    at(LEADS + "RolePath", {"Fn::Sub": "/${AWS::StackName}/contacts/"}),
    without(LEADS + "AssumeRolePolicyDocument"),
    at(LEADS + "Policies/0/Statement/0/Resource", "*"),
    at(LEADS + "Policies/0/Statement/0/Action", ["sts:*"]),
    without(LEADS + "Policies/0/Statement/0"),
    without(TRUSTED + "Condition/ArnLike"),
    without(TRUSTED + "Condition/StringLike"),
    without(TRUSTED + "Condition/ForAllValues:StringEquals"),
    at(TRUSTED + "Condition/StringLike", {"aws:RequestTag/tenant": "*"}),
    at(TRUSTED + "Principal", {"AWS": "*"}),
    grant("LeadsFunction", "sts:AssumeRole", "*"),
)
def a_function_takes_its_own_role_for_one_tenant_and_no_other(template, project):
    """A function that may touch a tenant's items has a role that only itself may assume, with the tag of one tenant."""
    found = []
    for function, one in template.functions.items():
        partitions = {partition for _, owner, statement in on_tables(template) if owner == function for partition in bound_to(statement) or []}
        itself = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{AWS::StackName}}/{crate(one)}/*"}
        both = ["sts:AssumeRole", "sts:TagSession"]
        expected = {
            "TENANT_ROLE": {"Fn::GetAtt": f"{function}Role.Arn"},
            "RolePath": {"Fn::Sub": f"/${{AWS::StackName}}/{crate(one)}/"},
            "trust": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["sts:AssumeRole"]},
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": {"Ref": "AWS::AccountId"}},
                    "Action": both,
                    "Condition": {
                        "ArnLike": {"aws:PrincipalArn": itself},
                        "StringLike": {"aws:RequestTag/tenant": "tnt_" + 26 * "?"},
                        "ForAllValues:StringEquals": {"aws:TagKeys": ["tenant"]},
                    },
                },
            ],
            "rights": [{"Effect": "Allow", "Action": both, "Resource": itself}],
        }
        if OWN not in partitions:
            expected = {"TENANT_ROLE": None, "RolePath": None, "trust": [], "rights": []}
        given = {
            "TENANT_ROLE": template.environment(function).get("TENANT_ROLE"),
            "RolePath": one.get("RolePath"),
            "trust": (one.get("AssumeRolePolicyDocument") or {}).get("Statement", []),
            "rights": [one for one in template.statements(function) if any(action.startswith("sts:") for action in as_list(one.get("Action")))],
        }
        found += [f"{function}: {name}" for name in expected if given[name] != expected[name]]
    return found


@rule(
    at("LeadsFunction/Properties/Environment/Variables/SIGNING_KEY", "x"),
    without("IdentityFunction/Properties/Environment/Variables/SIGNING_KEY"),
    named("Globals give everyone the signing key")(lambda document: document["Globals"]["Function"]["Environment"]["Variables"].update(SIGNING_KEY="x")),
)
def only_identity_holds_the_signing_key(template, project):
    holders = [function for function in template.functions if "SIGNING_KEY" in template.environment(function)]
    return [] if holders == ["IdentityFunction"] else holders or ["nobody"]


@rule(
    grant("LeadsFunction", "ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:identity/x.example"),
    without("IdentityFunction/Properties/Environment/Variables/MAIL"),
)
def whoever_may_send_mail_knows_how_and_nobody_else_may(template, project):
    return [
        function
        for function in template.functions
        if any(action.startswith("ses:") for action, _ in actions(template, function)) != ({"MAIL", "MAIL_FROM"} <= set(template.environment(function)))
    ]


@rule(at("IdentityFunction/Properties/Environment/Variables/SIGNING_KEY", "c2VjcmV0"), named("a secret in Globals")(lambda document: document["Globals"]["Function"]["Environment"]["Variables"].update(SECRET_KEY="c2VjcmV0")))
def secrets_come_from_the_secrets_manager(template, project):
    return [
        f"{function}: {key}"
        for function in template.functions
        for key, value in template.environment(function).items()
        if key in ("OPERATOR_KEYS", "SIGNING_KEY", "SECRET_KEY") and "{{resolve:secretsmanager:" not in str(value)
    ]


# ---------------------------------------------------------------- queues and streams


@rule(
    without("SearchIndexQueue/Properties/RedrivePolicy"),
    at("SearchIndexQueue/Properties/RedrivePolicy/maxReceiveCount", 1),
    at("SearchIndexQueue/Properties/RedrivePolicy/deadLetterTargetArn", {"Fn::GetAtt": "NoSuchQueue.Arn"}),
)
def queues_give_up_after_five_attempts_or_more_to_a_queue_of_dead_letters(template, project):
    dead = template.dead_letters()
    found = []
    for name, queue in template.queues.items():
        redrive = queue.get("RedrivePolicy", {})
        if name not in dead and (target(redrive.get("deadLetterTargetArn"))[0] not in template.queues or redrive.get("maxReceiveCount", 0) < 5):
            found.append(name)
    return found


@rule(at("SearchIndexQueue/Properties/RedrivePolicy/deadLetterTargetArn", {"Fn::GetAtt": "RecordMergesDeadLetters.Arn"}))
def no_two_queues_share_their_dead_letters(template, project):
    count = Counter(target(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))[0] for queue in template.queues.values())
    return [name for name, times in count.items() if name and times > 1]


@rule(at("SearchIndexDeadLetters/Properties/MessageRetentionPeriod", 345600), without("ChangeEventsDeadLetters/Properties/MessageRetentionPeriod"))
def dead_letters_are_kept_fourteen_days(template, project):
    return [name for name in sorted(template.dead_letters()) if template.queues.get(name, {}).get("MessageRetentionPeriod") != 14 * 24 * 3600]


@rule(without("SearchIndexQueue/Properties/SqsManagedSseEnabled"))
def queues_are_encrypted(template, project):
    return [name for name, queue in template.queues.items() if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue]


@rule(
    at("SearchIndexQueue/Properties/VisibilityTimeout", 60),
    at("SearchIndexFunction/Properties/Timeout", 60),
    at("SearchIndexFunction/Properties/Events/Messages/Properties/MaximumBatchingWindowInSeconds", 30),
)
def messages_stay_hidden_six_times_as_long_as_their_function_may_run(template, project):
    found = []
    for event, function, properties in template.events("SQS"):
        queue = template.queues.get(target(properties.get("Queue"))[0], {})
        needed = 6 * template.functions[function].get("Timeout", 3) + properties.get("MaximumBatchingWindowInSeconds", 0)
        if queue.get("VisibilityTimeout", 30) < needed:
            found.append(f"{event}: {queue.get('VisibilityTimeout', 30)} s, {needed} s are needed")
    return found


@rule(without("SearchIndexFunction/Properties/Events/Messages"))
def every_queue_is_worked_off_by_one_function(template, project):
    count = Counter(target(properties.get("Queue"))[0] for _, _, properties in template.events("SQS"))
    dead = template.dead_letters()
    return [name for name in template.queues if count[name] != (0 if name in dead else 1)]


@rule(
    without("SearchIndexFunction/Properties/Events/Messages/Properties/FunctionResponseTypes"),
    at("ChangeEventsFunction/Properties/Events/Leads/Properties/FunctionResponseTypes", []),
)
def failures_are_told_message_by_message(template, project):
    events = [*template.events("SQS"), *template.events("DynamoDB")]
    return [event for event, _, properties in events if "ReportBatchItemFailures" not in properties.get("FunctionResponseTypes", [])]


@rule(
    without("SearchIndexFunction/Properties/Events/Messages/Properties/ScalingConfig"),
    at("SearchIndexFunction/Properties/Events/Messages/Properties/ScalingConfig/MaximumConcurrency", 1),
)
def queues_are_worked_off_by_a_bounded_number(template, project):
    return [event for event, _, properties in template.events("SQS") if not 2 <= properties.get("ScalingConfig", {}).get("MaximumConcurrency", 0) <= 1000]


@rule(
    without("ChangeEventsFunction/Properties/Events/Leads/Properties/BisectBatchOnFunctionError"),
    without("ChangeEventsFunction/Properties/Events/Orders/Properties/MaximumRetryAttempts"),
    at("ChangeEventsFunction/Properties/Events/Orders/Properties/MaximumRetryAttempts", -1),
    without("ChangeEventsFunction/Properties/Events/Scores/Properties/DestinationConfig"),
    at("ChangeEventsFunction/Properties/Events/Scores/Properties/StartingPosition", "LATEST"),
)
def streams_are_halved_on_failure_tried_again_and_then_given_to_a_queue(template, project):
    found = []
    for event, _, properties in template.events("DynamoDB"):
        wrong = {
            "bisect": properties.get("BisectBatchOnFunctionError") is not True,
            "retries": not 1 <= properties.get("MaximumRetryAttempts", -1) <= 1000,
            "on failure": target(properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))[0] not in template.queues,
            "start": properties.get("StartingPosition") != "TRIM_HORIZON",
        }
        found += [f"{event}: {what}" for what, is_wrong in wrong.items() if is_wrong]
    return found


@rule(without("ChangeEventsFunction/Properties/Events/Leads"), at("ChangeEventsFunction/Properties/Events/Leads/Properties/Stream", {"Fn::GetAtt": "OrdersTable.StreamArn"}))
def every_stream_is_read_once(template, project):
    count = Counter(target(properties.get("Stream")) for _, _, properties in template.events("DynamoDB"))
    with_stream = {(name, ".StreamArn") for name, table in template.tables.items() if "StreamSpecification" in table}
    return [str(name) for name in with_stream | set(count) if count[name] != 1 or name not in with_stream]


# ---------------------------------------------------------------- the door and the clock


@rule(at("HttpApi/Properties/StageName", "prod"), without("HttpApi/Properties/StageName"))
def the_api_answers_without_a_stage_in_its_path(template, project):
    apis = template.of("AWS::Serverless::HttpApi")
    return [name for name, api in apis.items() if api.get("Properties", {}).get("StageName") != "$default"] or ([] if apis else ["no API"])


@rule(without("HttpApi/Properties/DefaultRouteSettings"))
def the_api_is_throttled(template, project):
    apis = template.of("AWS::Serverless::HttpApi").items()
    return [name for name, api in apis if not api.get("Properties", {}).get("DefaultRouteSettings", {}).get("ThrottlingRateLimit")]


@rule(
    at("OrdersFunction/Properties/Events/Orders/Properties/Path", "/v1/leads"),
    without("LeadsFunction/Properties/Events/Leads/Properties/ApiId"),
    without("ConsoleFunction/Properties/Events/Default"),
)
def every_route_has_one_function_and_one_function_takes_the_rest(template, project):
    routes = Counter()
    found = []
    for event, _, properties in template.events("HttpApi"):
        routes[re.sub(r"\{\w+\}", "{}", properties.get("Path", "$default")), properties.get("Method", "ANY").upper()] += 1
        if target(properties.get("ApiId"))[0] != "HttpApi":
            found.append(f"{event}: another API")
    if sum(count for (path, _), count in routes.items() if path == "$default") != 1:
        found.append("not one function for the rest")
    return found + [f"{path} {method}" for (path, method), count in routes.items() if count > 1]


@rule(without("TimersFunction/Properties/Events/Tick"), at("TimersFunction/Properties/Events/Tick/Properties/ScheduleExpression", "rate(1 hour)"))
def timers_are_looked_at_every_minute(template, project):
    ticks = [properties.get("ScheduleExpression") for _, function, properties in template.events("ScheduleV2") if function == "TimersFunction"]
    return [] if ticks == ["rate(1 minute)"] else [f"TimersFunction: {ticks}"]


@rule(at("TimersFunction/Properties/Events/Tick/Properties/State", "DISABLED"), at("TimersFunction/Properties/Events/Tick/Properties/RetryPolicy/MaximumRetryAttempts", 185))
def a_schedule_is_on_and_does_not_pile_up(template, project):
    return [
        event
        for kind in ("ScheduleV2", "Schedule")
        for event, _, properties in template.events(kind)
        if properties.get("State", "ENABLED") != "ENABLED" or properties.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185) > 2
    ]


# ---------------------------------------------------------------- what is watched


@rule(without("SearchIndexAgeAlarm"), at("SearchIndexAgeAlarm/Properties/Dimensions/0/Value", {"Fn::GetAtt": "RecordMergesQueue.QueueName"}))
def every_queue_has_an_alarm_on_its_oldest_message(template, project):
    dead = template.dead_letters()
    return [name for name in template.queues if name not in dead and not template.alarm("ApproximateAgeOfOldestMessage", "QueueName", name)]


@rule(without("ChangeEventsDeadLettersAlarm"), at("SearchIndexDeadLettersAlarm/Properties/Threshold", 10), at("SearchIndexDeadLettersAlarm/Properties/ComparisonOperator", "LessThanThreshold"))
def every_queue_of_dead_letters_has_an_alarm_on_the_first(template, project):
    found = []
    for name in sorted(template.dead_letters()):
        alarms = [template.alarms[alarm] for alarm in template.alarm("ApproximateNumberOfMessagesVisible", "QueueName", name)]
        first = [a for a in alarms if (a.get("ComparisonOperator"), a.get("Threshold")) in (("GreaterThanThreshold", 0), ("GreaterThanOrEqualToThreshold", 1))]
        if not first:
            found.append(name)
    return found


@rule(without("ServerErrorsAlarm"), at("ServerErrorsAlarm/Properties/MetricName", "4xx"))
def the_api_has_an_alarm_on_server_errors(template, project):
    return [] if template.alarm("5xx", "ApiId", "HttpApi") else ["HttpApi"]


@rule(without("LatencyAlarm"), at("LatencyAlarm/Properties/ExtendedStatistic", "p50"))
def the_api_has_an_alarm_on_the_slowest_in_a_hundred(template, project):
    alarms = [template.alarms[name] for name in template.alarm("Latency", "ApiId", "HttpApi")]
    return [] if any(alarm.get("ExtendedStatistic") == "p99" for alarm in alarms) else ["HttpApi"]


@rule(without("IteratorAgeAlarm"))
def whoever_reads_streams_has_an_alarm_on_their_age(template, project):
    readers = {function for _, function, _ in template.events("DynamoDB")}
    return [function for function in sorted(readers) if not template.alarm("IteratorAge", "FunctionName", function)]


@rule(without("LeadsThrottlesAlarm"), without("RecordMergesThrottlesAlarm"))
def every_function_has_an_alarm_on_calls_turned_away(template, project):
    return [function for function in template.functions if not template.alarm("Throttles", "FunctionName", function)]


@rule(without("LatencyAlarm/Properties/AlarmActions"), at("IteratorAgeAlarm/Properties/ActionsEnabled", False))
def alarms_are_told_to_somebody(template, project):
    return [name for name, alarm in template.alarms.items() if "AlarmTopic" not in str(alarm.get("AlarmActions")) or alarm.get("ActionsEnabled", True) is not True]


@rule(at("ServerErrorsAlarm/Properties/Namespace", "AWS/ApiGatewayV2"), at("SearchIndexAgeAlarm/Properties/Namespace", "AWS/Lambda"))
def alarms_look_where_their_metrics_are(template, project):
    spaces = {"ApiId": "AWS/ApiGateway", "QueueName": "AWS/SQS", "FunctionName": "AWS/Lambda"}
    return [
        name
        for name, alarm in template.alarms.items()
        for dimension in alarm.get("Dimensions", [])
        if alarm.get("Namespace") != spaces.get(dimension["Name"], alarm.get("Namespace")) or target(dimension["Value"])[0] not in template.resources
    ]


@rule(without("LeadsFunction/Properties/LoggingConfig"), without("LeadsLog"), at("LeadsFunction/Properties/LoggingConfig/LogGroup", {"Ref": "OrdersLog"}))
def every_function_has_a_log_of_its_own(template, project):
    groups = template.of("AWS::Logs::LogGroup")
    logs = {function: target(one.get("LoggingConfig", {}).get("LogGroup"))[0] for function, one in template.functions.items()}
    count = Counter(logs.values())
    return [function for function, log in logs.items() if log not in groups or count[log] > 1]


@rule(without("LeadsLog/Properties/RetentionInDays"), without("AccessLog/Properties/RetentionInDays"))
def logs_are_not_kept_for_ever(template, project):
    return [name for name, log in template.of("AWS::Logs::LogGroup").items() if not log.get("Properties", {}).get("RetentionInDays")]


@rule(at("LeadsFunction/Properties/Tracing", "PassThrough"), named("no tracing in Globals")(lambda document: document["Globals"]["Function"].pop("Tracing")))
def every_function_is_traced(template, project):
    return [function for function, one in template.functions.items() if one.get("Tracing") != "Active"]


# ---------------------------------------------------------------- parameters and the workspace


def parameter(name):
    return named(f"without the parameter {name}")(lambda document: document["Parameters"].pop(name))


@rule(
    *(parameter(name) for name in ("Architecture", "Mail", "MailFrom", "MailIdentity", "PublicUrl")),
    named("an architecture written down")(lambda document: document["Globals"]["Function"].update(Architectures=["x86_64"])),
)
def architecture_mail_and_address_are_parameters(template, project):
    given = template.document.get("Parameters", {})
    found = [name for name in ("Architecture", "Mail", "MailFrom", "MailIdentity", "PublicUrl") if name not in given]
    if sorted(given.get("Architecture", {}).get("AllowedValues", [])) != ["arm64", "x86_64"]:
        found.append("Architecture: arm64 and x86_64")
    return found + [function for function, one in template.functions.items() if [target(a)[0] for a in one.get("Architectures", [])] != ["Architecture"]]


@rule(named("a parameter nobody uses")(lambda document: document["Parameters"].update(Moon={"Type": "String"})))
def every_parameter_is_used(template, project):
    rest = str({key: value for key, value in template.document.items() if key != "Parameters"})
    return [name for name in template.document.get("Parameters", {}) if not re.search(rf"'Ref': '{name}'|\$\{{{name}\}}", rest)]


@rule(
    at("LeadsFunction/Properties/CodeUri", "../target/lambda/lead.zip"),
    without("SearchFunction"),
    at("OrdersFunction/Properties/CodeUri", "../target/lambda/leads.zip"),
)
def every_function_is_a_crate_and_every_crate_a_function(template, project):
    count = Counter(crate(one) for one in template.functions.values())
    return [f"{name}: {count[name]} functions" for name in sorted(project.functions | set(count)) if count[name] != 1 or name not in project.functions]


@rule(at("LeadsFunction/Properties/Runtime", "python3.13"), at("LeadsFunction/Properties/Handler", "main.handler"))
def every_function_is_a_program_of_its_own(template, project):
    return [function for function, one in template.functions.items() if (one.get("Runtime"), one.get("Handler")) != ("provided.al2023", "bootstrap")]


@rule(
    at("LeadsFunction/Properties/Environment/Variables/TABLE_LEAD", {"Ref": "LeadsTable"}),
    named("nobody names TABLE_SEARCH")(lambda document: [f["Properties"].get("Environment", {}).get("Variables", {}).pop("TABLE_SEARCH", None) for f in document["Resources"].values() if f["Type"] == "AWS::Serverless::Function"]),
)
def the_variables_of_tables_are_those_of_the_store(template, project):
    there = {key for function in template.functions for key in variables(template, function, "TABLE_")}
    return sorted(there ^ set(project.tables.values()))


@rule(
    at("LeadsFunction/Properties/Environment/Variables/QUEUE_MOON", {"Ref": "SearchIndexQueue"}),
    named("nobody names QUEUE_SEARCH_INDEX")(lambda document: [f["Properties"].get("Environment", {}).get("Variables", {}).pop("QUEUE_SEARCH_INDEX", None) for f in document["Resources"].values() if f["Type"] == "AWS::Serverless::Function"]),
)
def the_variables_of_queues_are_those_of_the_messages(template, project):
    there = {key for function in template.functions for key in variables(template, function, "QUEUE_")}
    return sorted(there ^ set(project.queues.values()))


@rule(
    at("LeadsFunction/Properties/Environment/Variables/TABLE_LEADS", {"Ref": "ContactsTable"}),
    at("LeadsFunction/Properties/Environment/Variables/TABLE_LEADS", "leads"),
    at("TimersFunction/Properties/Environment/Variables/QUEUE_TICKET_DEADLINES", {"Ref": "RecordMergesQueue"}),
)
def a_variable_leads_to_the_resource_of_its_name(template, project):
    found = []
    for function in template.functions:
        for prefix, kind in (("TABLE_", "Table"), ("QUEUE_", "Queue"), ("DEAD_LETTERS_", "DeadLetters")):
            for key, name in variables(template, function, prefix).items():
                wanted = "".join(part.capitalize() for part in key.removeprefix(prefix).split("_")) + kind
                if name != wanted or wanted not in template.resources:
                    found.append(f"{function}: {key} leads to {name}")
    return found


@rule(without("LeadsTable/Properties/GlobalSecondaryIndexes/0"), without("EventsTable/Properties/GlobalSecondaryIndexes/1"))
def every_index_the_store_names_is_there(template, project):
    there = {(variable, index["IndexName"]) for variable in project.tables.values() for index in indexes_of(template, variable)}
    return [f"{file}: {index} of {' or '.join(sorted(tables))}" for file, index, tables in sorted(project.indexes, key=str) if not any((table, index) in there for table in tables)]


def indexes_of(template, variable):
    return template.tables.get(table_named(template, variable.removeprefix("TABLE_")), {}).get("GlobalSecondaryIndexes", [])


@rule(at("LeadsTable/Properties/GlobalSecondaryIndexes/0/IndexName", "by_moon"))
def every_index_there_is_is_named_by_the_store(template, project):
    named_by_store = {(table, index) for _, index, tables in project.indexes for table in tables}
    return [
        f"{variable}: {index['IndexName']}"
        for variable in project.tables.values()
        for index in indexes_of(template, variable)
        if (variable, index["IndexName"]) not in named_by_store
    ]
