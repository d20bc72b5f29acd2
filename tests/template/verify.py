#!/usr/bin/env python3
"""Holds infra/template.yaml to what it promises; nothing is deployed and no network or account is needed.

    python verify.py

1. cfn-lint finds nothing in the template as written (SAM), nor in what SAM makes of it (CloudFormation): the second
   sees mistakes in events that the first lets pass. The translation is left in target/template/translated.json.
2. `sam validate --lint` and `sam build` accept it. SAM's command wants other versions of packages than the rest, so it has an
   environment of its own under target/sam-venv, made from requirements-sam.txt when that changed.
3. Our rules (rules.py) find nothing; and each rule does find something in a copy broken on purpose.

The last line is `N passed, N failed`; the exit status tells failure.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import policy  # noqa: E402
import sam  # noqa: E402
from rules import RULES  # noqa: E402
from source import ROOT, TEMPLATE, Project, Template, crate, load  # noqa: E402

REGION = "us-east-1"
TRANSLATED = ROOT / "target/template/translated.json"
SAM = ROOT / "target/sam-venv"
SAM_LIST = Path(__file__).resolve().parent / "requirements-sam.txt"
# No account is asked, and none of the caller's is to be seen.
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAM_CLI_TELEMETRY": "0",
}


def run(*command):
    """What is wrong according to a program: its output when it fails or says anything of weight."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip() or f"exit status {done.returncode}"]


def cfn_lint(template):
    return run(Path(sys.executable).with_name("cfn-lint"), "--regions", REGION, "--", template)


def translate():
    """What SAM makes of the template, written to target/template/translated.json."""
    os.environ.update(ENVIRONMENT)
    import boto3

    translated = sam.translate(boto3.Session(region_name=REGION), lambda crate: f"s3://bucket/{crate}.zip")
    TRANSLATED.parent.mkdir(parents=True, exist_ok=True)
    TRANSLATED.write_text(json.dumps(translated, indent=1, default=str), encoding="utf-8")
    return translated


def translation_is_whole():
    """Every event source and route of the template has become a resource."""
    translated, template = translate(), Template(load())
    kinds = [resource["Type"] for resource in translated["Resources"].values()]
    wanted = {
        "AWS::Lambda::Function": len(template.functions),
        "AWS::Lambda::EventSourceMapping": len(list(template.events("SQS"))) + len(list(template.events("DynamoDB"))),
        "AWS::Scheduler::Schedule": len(list(template.events("ScheduleV2"))),
        "AWS::DynamoDB::Table": len(template.tables),
    }
    found = [f"{kind}: {kinds.count(kind)}, not {count}" for kind, count in wanted.items() if kinds.count(kind) != count or count == 0]
    paths = {path for resource in translated["Resources"].values() for path in (resource.get("Properties", {}).get("Body") or {}).get("paths", {})}
    routes = {properties.get("Path", "$default").rstrip("/") or "/" for _, _, properties in template.events("HttpApi")}
    return found + [f"the route {path} is lost" for path in sorted(routes - {path.rstrip("/") or "/" for path in paths})]


def sam_validate():
    """SAM's own judgement; its environment is made first when it is missing or its list changed."""
    wanted, mark = SAM_LIST.read_text(encoding="utf-8"), SAM / "installed.txt"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != wanted:
        print(f"installing SAM under {SAM.relative_to(ROOT)}", flush=True)
        shutil.rmtree(SAM, ignore_errors=True)
        problems = run(sys.executable, "-m", "venv", SAM)
        problems = problems or run(SAM / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", SAM_LIST)
        if problems:
            return problems
        mark.write_text(wanted, encoding="utf-8")
    return run(SAM / "bin/sam", "validate", "--lint", "--template", TEMPLATE, "--region", REGION)


def sam_build():
    """SAM takes the archives that `cargo xtask package` leaves as they are, here some that hold nothing."""
    with tempfile.TemporaryDirectory() as folder:
        template, archives = Path(folder) / "infra/template.yaml", Path(folder) / "target/lambda"
        for path in (template.parent, archives):
            path.mkdir(parents=True)
        shutil.copyfile(TEMPLATE, template)
        crates = {crate(one) for one in Template(load()).functions.values()}
        for name in crates:
            with zipfile.ZipFile(archives / f"{name}.zip", "w") as archive:
                archive.writestr("bootstrap", name)
        built = Path(folder) / "built"
        problems = run(SAM / "bin/sam", "build", "--template", template, "--build-dir", built, "--region", REGION)
        if problems:
            return problems
        taken = {crate(one): built / one["CodeUri"] for one in Template(load(built / "template.yaml")).functions.values()}
        return [f"{name} is lost" for name in sorted(crates) if not taken.get(name, built).is_file()]


def rules():
    """Pairs of a check's name and its findings: the rules, and for each breakage whether its rule noticed."""
    document, project = load(), Project()
    for name, check, breakages in RULES:
        findings = check(Template(document), project)
        yield name, findings
        for breakage in breakages:
            broken = copy.deepcopy(document)
            try:
                breakage(broken)
                noticed = set(check(Template(broken), project)) - set(findings)
                yield f"{name} [notices: {breakage.__name__}]", [] if noticed else ["the rule did not notice"]
            except (KeyError, IndexError, TypeError) as problem:
                yield f"{name} [notices: {breakage.__name__}]", [f"the breakage does not fit the template any more: {problem!r}"]


def project_is_read():
    """The sources were understood: an empty list would let rules pass that say nothing."""
    project = Project()
    least = {"functions": 5, "tables": 5, "queues": 5, "indexes": 5, "of_no_tenant": 3}
    return [name for name, count in least.items() if len(getattr(project, name)) < count]


def main():
    checks = [
        ("cfn-lint of the template", lambda: cfn_lint(TEMPLATE)),
        ("SAM translates it whole", translation_is_whole),
        ("cfn-lint of the translation", lambda: cfn_lint(TRANSLATED)),
        ("sam validate --lint", sam_validate),
        ("sam build", sam_build),
        ("tables, queues, indexes and crates are found in the sources", project_is_read),
        ("policies are decided as IAM decides them", policy.findings),
    ]
    passed = failed = 0

    def tell(name, findings):
        nonlocal passed, failed
        if not findings:
            passed += 1
            return
        failed += 1
        print(f"FAILED {name}")
        for finding in findings:
            print("   ", str(finding).replace("\n", "\n    "))

    for name, check in checks:
        try:
            findings = check()
        except Exception as problem:  # A check that breaks is a check that fails; the others still run.
            findings = [f"{type(problem).__name__}: {problem}"]
        tell(name, findings)
    for name, findings in rules():
        tell(name, findings)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
