"""What SAM makes of the template: CloudFormation without the transform."""

import copy

from source import crate, load


def translate(session, archive, document=None):
    """The template translated. `archive(crate)` is the address of a function's archive, `s3://bucket/key`; `session` a boto3 session
    with a region, which is asked for nothing else."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    document = copy.deepcopy(load() if document is None else document)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = archive(crate(resource["Properties"]))
    defaults = {name: one["Default"] for name, one in document.get("Parameters", {}).items() if "Default" in one}
    # No managed policies: rights are written out, and the list would have to be fetched from an account.
    return Translator({}, Parser(), boto_session=session).translate(document, defaults)
