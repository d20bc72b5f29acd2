"""What is left out of the requests that schemathesis makes up, for a reason that no schema can say."""

import schemathesis


def told_apart(query):
    """An empty parameter counts as none, so that forms may send it: it is neither right nor wrong."""
    return not query or "" not in query.values()


# With `fields` an answer has what was asked for and not all that its schema requires.
@schemathesis.hook
def filter_query(context, query):
    return told_apart(query) and "fields" not in (query or ())


# The phase that covers the document asks this hook alone.
@schemathesis.hook
def filter_case(context, case):
    return told_apart(case.query)
