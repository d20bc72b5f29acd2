#!/usr/bin/env python3
"""Changes the product in small ways and counts how many changes no test notices.

    cargo xtask mutants -- --package rapport-domain
    cargo xtask mutants -- --package rapport-store --package rapport-http --sample 200 --suite

What may be changed is listed by `cargo mutants`; `schema.py` puts all of it into a few builds, so that a mutant costs a run of the
tests and no compilation. What cannot be a branch of a build (constants, for one) is compiled by itself, or left out with `--quick`.
Tests that do not reach a mutant are not run for it. With `--suite` the end-to-end tests judge too, one by one: those that go by the name
of the mutant's file, then the quickest, for four minutes a mutant.
Results are kept under target/mutation as they come, so that a run that broke off goes on; `--save` writes results/mutation.json.
The last line is `N passed, N failed`: failed is what falls short of the share that is to be caught.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from schema import SWITCH, groups, listed, parsed, prepare, written

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target/mutation"
TREE = WORK / "tree"
RESULTS = ROOT / "tests/results/mutation.json"
# The share of mutants that some test must notice.
WANTED = 0.85
SUITE_SECONDS = 240
# Errors of types and patterns: what has one as a branch has it by itself too.
TYPES = {"E0004", "E0277", "E0308", "E0369", "E0599", "E0600", "E0614"}


def sh(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def environment(**more):
    # Not where the sources themselves are built: cargo would take a mutant's program for theirs.
    return {**os.environ, "CARGO_TARGET_DIR": str(WORK / "target"), "CARGO_INCREMENTAL": "1", **more}


def copied():
    """A copy of what git knows, whose times change only where its content does."""
    names = sh("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, TREE / name
        if source.is_file():
            put(copy, source.read_bytes())
            copy.chmod(source.stat().st_mode)


def put(path, content):
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def cargo(*arguments):
    """What cargo says, line by line, and whether it was content."""
    done = subprocess.run(["cargo", *arguments, "--message-format=json"], cwd=TREE, env=environment(), capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode == 0, messages, done.stderr


def faults(messages):
    """The errors among what cargo says: the places that each is about."""
    for message in messages:
        if message["reason"] == "compiler-message" and message["message"]["level"] == "error":
            spans, todo = [], [message["message"]]
            while todo:
                one = todo.pop()
                spans += one["spans"]
                todo += one["children"]
            spans.sort(key=lambda span: not span["is_primary"])
            code = (message["message"]["code"] or {}).get("code")
            yield spans, message["message"]["rendered"], code in TYPES


class Build:
    """Some mutants in one build, less those that do not compile."""

    def __init__(self, packages, mutants, suite, judges=None):
        self.packages, self.mutants, self.suite, self.judges = packages, list(mutants), suite, judges
        # Those that compile in no way, and those that may by themselves.
        self.unbuildable, self.alone = [], []

    def lay(self):
        """Writes the sources; whose text lies where in each."""
        laid, files = {}, {mutant.file for mutant in self.mutants}
        for name in sh("git", "ls-files", "-z", cwd=ROOT).split("\0"):
            if not name.endswith(".rs"):
                continue
            source = (ROOT / name).read_bytes()
            if name in files:
                source, laid[name] = written(source, [m for m in self.mutants if m.file == name])
            if any(name == f"{folder}/src/lib.rs" for folder in self.packages.values()):
                source += SWITCH.encode()
            put(TREE / name, source)
        return laid

    def made(self):
        """Builds the tests, without what does not compile: the programs that judge."""
        chosen = [part for package in [*self.packages, *(["tests"] if self.suite else [])] for part in ("--package", package)]
        while True:
            laid = self.lay()
            ok, messages, said = cargo("test", "--quiet", "--no-run", *chosen, "--lib", "--tests")
            if ok:
                break
            wrong, never = set(), set()
            for spans, rendered, of_types in faults(messages):
                # A function that must be const, whose keyword is in the way.
                named = {name.split("::")[-1].split("(")[0] for name in re.findall("`([^`]+)`", rendered.split("\n")[0])}
                needed = {m.number for m in self.mutants if m.const and m.function.split("::")[-1] in named}
                found = needed if "non-const" in rendered and needed else self.blamed(spans, laid)
                if not found and spans:
                    raise SystemExit(f"nobody's fault:\n{rendered}")
                wrong |= found
                never |= found if of_types else set()
            if not wrong:
                raise SystemExit(said)
            self.unbuildable += [mutant for mutant in self.mutants if mutant.number in never]
            self.alone += [mutant for mutant in self.mutants if mutant.number in wrong - never]
            self.mutants = [mutant for mutant in self.mutants if mutant.number not in wrong]
        programs = executables(messages, set(self.packages.values()))
        if self.suite:
            named = suites(executables(messages, {"tests"}))
            programs += [one for one in named if not self.judges or any(word in one.command[-1] for word in self.judges)]
        return programs

    def blamed(self, spans, laid):
        for span in spans:
            for start, end, mutants in laid.get(span["file_name"], []):
                if start <= span["byte_start"] and span["byte_end"] <= end:
                    return {mutant.number for mutant in mutants}
        return set()


def executables(messages, folders):
    found = []
    for message in messages:
        if message["reason"] == "compiler-artifact" and message["executable"] and message["profile"]["test"]:
            folder = Path(message["manifest_path"]).parent
            if str(folder.relative_to(TREE)) in folders:
                found.append(Tests([message["executable"]], folder))
    return found


def suites(programs):
    """The end-to-end tests, one by one."""
    parts = []
    for program in programs:
        lines = sh(*program.command, "--list", "--format", "terse", cwd=program.folder).splitlines()
        names = [line.removesuffix(": test") for line in lines if line.endswith(": test")]
        parts += [Tests([*program.command, "--exact", name], program.folder, slow=True) for name in names]
    return parts


class Tests:
    """A program of tests, or some of one."""

    def __init__(self, command, folder, slow=False):
        self.command, self.folder, self.slow = command, folder, slow
        self.seconds, self.reached = 0, set()

    def is_about(self, mutant):
        """Whether an end-to-end test stands in a module of the name of what is changed."""
        words = {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", self.command[-1].rsplit("::", 1)[0])}
        return not words.isdisjoint(word.rstrip("s") for word in re.findall(r"[a-z]{4,}", mutant.file.split("/src/")[-1]))

    def run(self, timeout, **more):
        """Whether all passed; None when they did not end in time."""
        child = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=environment(CARGO_MANIFEST_DIR=str(self.folder), PROPTEST_FAILURE_PERSISTENCE="off", **more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return child.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            return None
        finally:
            # Whatever it started goes with it.
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()

    def measure(self):
        """Runs with no mutant, twice if need be: how long that takes, and what it reaches."""
        program = Path(self.command[0])
        kept = program.with_name(f"{program.name}-{hashlib.sha256(' '.join(self.command).encode()).hexdigest()[:12]}.reach")
        if kept.exists() and kept.stat().st_mtime > program.stat().st_mtime:
            self.seconds, reached = json.loads(kept.read_text())
            self.reached = set(reached)
            return True
        passed = self.ran() or self.ran()
        if passed:
            kept.write_text(json.dumps([self.seconds, sorted(self.reached)]))
        return passed

    def ran(self):
        noted = WORK / f"reached-{os.getpid()}-{threading.get_ident()}"
        noted.unlink(missing_ok=True)
        started = time.monotonic()
        passed = self.run(900, MUTANTS_REACHED=str(noted), MUTANT="0")
        self.seconds = time.monotonic() - started
        self.reached = set(map(int, noted.read_text().split())) if noted.exists() else set()
        noted.unlink(missing_ok=True)
        return passed


def judged(mutant, programs, end):
    """What becomes of a mutant: caught, timeout, missed or unreached; untried when the time is over."""
    if time.monotonic() > end:
        return "untried"
    reached = [one for one in programs if mutant.number in one.reached]
    if not reached:
        return "unreached"
    spent = 0
    for one in sorted(reached, key=lambda one: (one.slow, one.slow and not one.is_about(mutant), one.seconds)):
        if one.slow and spent > SUITE_SECONDS:
            break
        started = time.monotonic()
        passed = one.run(max(10, 5 * one.seconds), MUTANT=str(mutant.number))
        spent += time.monotonic() - started
        if not passed:
            return "timeout" if passed is None else "caught"
    return "missed"


def by_itself(mutant, package, folder):
    """The same for what is no branch of a build."""
    path = TREE / mutant.file
    source = (ROOT / mutant.file).read_bytes()
    put(path, source[: mutant.start] + mutant.replacement.encode() + source[mutant.end :])
    try:
        # What does not compile is told quickest so.
        ok, _, _ = cargo("check", "--quiet", "--package", package, "--lib")
        ok, messages, _ = cargo("test", "--quiet", "--no-run", "--package", package, "--lib", "--tests") if ok else (ok, [], "")
        if not ok:
            return "unbuildable"
        for one in executables(messages, {folder}):
            passed = one.run(120)
            if not passed:
                return "timeout" if passed is None else "caught"
        return "missed"
    finally:
        put(path, source)


def state(packages, metadata, folders):
    """What tells whether packages, or those of ours that they are made of, have changed."""
    needs = {one["name"]: [other["name"] for other in one["dependencies"] if other.get("path")] for one in metadata["packages"]}
    found, todo = set(), list(packages)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs[name]
    digest = hashlib.sha256()
    for name in filter(None, sh("git", "ls-files", "-z", "--", *(folders[one] for one in sorted(found)), cwd=ROOT).split("\0")):
        digest.update(name.encode() + b"\0" + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()[:12]


class Notes:
    """What became of each mutant, kept as it comes."""

    def __init__(self, name):
        self.path, self.lock, self.known = WORK / f"{name}.jsonl", threading.Lock(), {}
        if self.path.exists():
            lines = map(json.loads, self.path.read_text().splitlines())
            self.known = {line["name"]: line["outcome"] for line in lines}

    def add(self, mutant, outcome):
        if outcome == "untried":
            return outcome
        with self.lock:
            self.known[mutant.name] = outcome
            with self.path.open("a") as file:
                file.write(json.dumps({"name": mutant.name, "package": mutant.package, "outcome": outcome}) + "\n")
        return outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", action="append", required=True)
    parser.add_argument("--sample", type=int, help="so many of them, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--suite", action="store_true", help="the end-to-end tests judge too")
    parser.add_argument("--quick", action="store_true", help="leaves out what would have to be compiled by itself, and counts it as untried")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begins no other mutant after so long, and counts the rest as untried")
    parser.add_argument("--judges", nargs="+", help="of the end-to-end tests only those with one of these in their names")
    parser.add_argument("--anew", action="store_true", help="forgets what an earlier run found")
    parser.add_argument("--save", action="store_true", help="writes tests/results/mutation.json")
    wanted = parser.parse_args()

    end = time.monotonic() + 60 * wanted.minutes
    WORK.mkdir(parents=True, exist_ok=True)
    copied()
    metadata = json.loads(sh("cargo", "metadata", "--no-deps", "--format-version=1", cwd=ROOT))
    folders = {one["name"]: str(Path(one["manifest_path"]).parent.relative_to(ROOT)) for one in metadata["packages"]}
    chosen = [part for package in wanted.package for part in ("--package", package)]
    mutants = listed(json.loads(sh(os.environ.get("CARGO_MUTANTS", "cargo-mutants"), "mutants", "--list", "--json", *chosen, cwd=ROOT)), ROOT)
    if wanted.sample:
        mutants = random.Random(wanted.seed).sample(mutants, min(wanted.sample, len(mutants)))
    # What was found of other sources, by other tests or by fewer judges is not known of these.
    judges = ["suite", sh("git", "rev-parse", "--short", "HEAD", cwd=ROOT).strip()] if wanted.suite else [state(wanted.package, metadata, folders)]
    notes = Notes("+".join([*wanted.package, *judges]))
    if wanted.anew:
        notes.path.unlink(missing_ok=True)
        notes.known.clear()
    print(f"{len(mutants)} mutants, {sum(m.name in notes.known for m in mutants)} known from before", flush=True)

    todo = [mutant for mutant in mutants if mutant.name not in notes.known]
    sources = {file: (ROOT / file).read_bytes() for file in {mutant.file for mutant in todo}}
    trees = {file: parsed(source) for file, source in sources.items()}
    branches = [mutant for mutant in todo if prepare(mutant, sources[mutant.file], trees[mutant.file])]
    alone = [mutant for mutant in todo if mutant.edit is None]
    packages = {package: folders[package] for package in wanted.package}
    for n, group in enumerate(groups(branches) if time.monotonic() < end else [], 1):
        build = Build(packages, group, wanted.suite, wanted.judges)
        started = time.monotonic()
        programs = build.made()
        alone += build.alone
        for mutant in build.unbuildable:
            notes.add(mutant, "unbuildable")
        print(f"build {n}: {len(build.mutants)} mutants, {len(build.unbuildable)} do not compile, {time.monotonic() - started:.0f} s", flush=True)
        with ThreadPoolExecutor(wanted.jobs) as pool:
            measured = list(zip(programs, pool.map(Tests.measure, programs)))
            for one in (one for one, passed in measured if not passed):
                print(f"no judge, since it fails without any mutant: {' '.join(one.command)}", flush=True)
            programs = [one for one, passed in measured if passed]
            print(f"{len(programs)} judges, {time.monotonic() - started:.0f} s", flush=True)
            for mutant, outcome in zip(build.mutants, pool.map(lambda m: notes.add(m, judged(m, programs, end)), build.mutants)):
                if outcome in ("missed", "unreached"):
                    print(f"{outcome}: {mutant.name}", flush=True)
    Build(packages, [], False).lay()
    print(f"{len(alone)} by themselves{', left out' if wanted.quick else ''}", flush=True)
    for mutant in [] if wanted.quick else alone:
        outcome = by_itself(mutant, mutant.package, folders[mutant.package])
        notes.add(mutant, outcome)
        if outcome == "missed":
            print(f"{outcome}: {mutant.name}", flush=True)

    sums = {}
    for package in wanted.package:
        found = Counter(notes.known.get(mutant.name, "untried") for mutant in mutants if mutant.package == package)
        total = sum(found.values()) - found["unbuildable"] - found["untried"]
        caught = found["caught"] + found["timeout"]
        sums[package] = {"mutants": total, **{kind: found[kind] for kind in sorted(found)}}
        print(f"{package}: {caught} of {total} caught, {100 * caught / max(total, 1):.1f} %  {dict(found)}")
    if wanted.save:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        for package, found in sums.items():
            survivors = [m.name for m in mutants if m.package == package and notes.known.get(m.name) in ("missed", "unreached")]
            kept[package] = {**found, "survivors": sorted(survivors)}
        RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    passed = sum(found.get("caught", 0) + found.get("timeout", 0) >= WANTED * found["mutants"] for found in sums.values())
    print(f"{passed} passed, {len(sums) - passed} failed")
    sys.exit(passed != len(sums))


if __name__ == "__main__":
    main()
