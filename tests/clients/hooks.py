"""What is left out of the requests that schemathesis makes up, each for a reason that no schema can say."""

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    query = query or {}
    # With `fields` an answer has what was asked for and not all that its schema requires.
    if "fields" in query:
        return False
    # Cursors are signed: made-up ones are refused (tests/faults/input.rs).
    if query.get("cursor") or query.get("after"):
        return False
    # An empty parameter counts as none, so that forms may send it.
    if any(value == "" for value in query.values()):
        return False
    # A span that ends before it begins.
    return not (query.get("from") and query.get("to") and str(query["from"]) > str(query["to"]))
