"""Puts many mutants into one build: each is a branch that is taken when the environment names its number.

`cargo mutants --list --json` says what may be changed where. Instead of compiling the crate once for each, every change is
written beside the original: `a < b` becomes `(if crate::mutation::is(7) { a <= b } else { a < b })`. What lies within each other
goes to different builds, so that no text is doubled more than once.
"""

import dataclasses
from collections import defaultdict
from pathlib import Path

import tree_sitter_rust
from tree_sitter import Language, Parser

RUST = Language(tree_sitter_rust.language())

# Asked by every branch. What was asked for is written down once, when somebody wants to know what tests reach.
SWITCH = '''
#[doc(hidden)]
pub mod mutation {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);
    static NOTING: AtomicBool = AtomicBool::new(false);
    static REACHED: [AtomicBool; 16384] = [const { AtomicBool::new(false) }; 16384];

    fn chosen() -> u32 {
        let found = CHOSEN.load(Ordering::Relaxed);
        if found != u32::MAX {
            return found;
        }
        let named = std::env::var("MUTANT").ok().and_then(|name| name.parse().ok()).unwrap_or(0);
        NOTING.store(std::env::var_os("MUTANTS_REACHED").is_some(), Ordering::Relaxed);
        CHOSEN.store(named, Ordering::Relaxed);
        named
    }

    #[inline(never)]
    pub fn is(number: u32) -> bool {
        let chosen = chosen();
        if NOTING.load(Ordering::Relaxed) && !REACHED[number as usize].swap(true, Ordering::Relaxed) {
            if let Some(path) = std::env::var_os("MUTANTS_REACHED") {
                let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
                let _ = file.and_then(|mut file| file.write_all(format!("{number}\\n").as_bytes()));
            }
        }
        number == chosen
    }
}
'''


@dataclasses.dataclass
class Mutant:
    """One change. `start` and `end` are bytes of the file, `edit` those that the schema writes anew, with `text` as the changed
    branch; `const` is a keyword in the way of asking which branch to take, `until` the end of a function whose result is changed."""

    number: int
    name: str
    package: str
    file: str
    genre: str
    replacement: str
    function: str
    start: int
    end: int
    edit: tuple = None
    text: str = None
    const: tuple = None
    until: int = None


def offsets(source):
    """Where each line begins, in bytes."""
    starts, at = [], 0
    for line in source.split(b"\n"):
        starts.append(at)
        at += len(line) + 1
    return starts


def byte(source, starts, place):
    """The byte of a line and a column, both from 1, the column in characters."""
    begin = starts[place["line"] - 1]
    line = source[begin:].split(b"\n", 1)[0].decode()
    return begin + len(line[: place["column"] - 1].encode())


def listed(found, root, first=1):
    """The mutants of what `cargo mutants --list --json` said."""
    sources, mutants = {}, []
    for number, one in enumerate(found, first):
        path = one["file"]
        if path not in sources:
            source = (Path(root) / path).read_bytes()
            sources[path] = (source, offsets(source))
        source, starts = sources[path]
        start, end = (byte(source, starts, one["span"][edge]) for edge in ("start", "end"))
        function = (one["function"] or {}).get("function_name", "")
        mutants.append(Mutant(number, one["name"], one["package"], path, one["genre"], one["replacement"], function, start, end))
    return mutants


def condition(mutant):
    return f"crate::mutation::is({mutant.number})"


def within(node, kinds):
    while node is not None and node.type not in kinds:
        node = node.parent
    return node


def prepare(mutant, source, tree):
    """Says what the schema writes where; False when it cannot, as in a constant."""
    node = tree.root_node.descendant_for_byte_range(mutant.start, max(mutant.start, mutant.end - 1))
    fixed = {"const_item", "static_item", "const_block", "attribute_item"}
    if node is None or within(node, fixed if mutant.genre == "FnValue" else {*fixed, "macro_invocation"}):
        return False
    function = within(node, {"function_item"})
    modifiers = function and next((c for c in function.children if c.type == "function_modifiers"), None)
    if modifiers is not None and (const := next((c for c in modifiers.children if c.type == "const"), None)):
        mutant.const = (const.start_byte, const.end_byte)
    text = lambda one: source[one.start_byte : one.end_byte].decode()  # noqa: E731
    if mutant.genre == "FnValue":
        body = function and function.child_by_field_name("body")
        result = function and function.child_by_field_name("return_type")
        # Two ways out must be of one type, which nobody has named.
        if body is None or result is not None and "impl " in text(result):
            return False
        mutant.until = body.end_byte
        mutant.edit = (body.start_byte + 1, body.start_byte + 1)
        mutant.text = f" if {condition(mutant)} {{ return {mutant.replacement}; }} "
    elif mutant.genre in ("BinaryOperator", "UnaryOperator"):
        whole = within(node, {"binary_expression", "compound_assignment_expr", "unary_expression"})
        if whole is None or whole.parent.type == "let_chain" or within(node, {"let_chain"}) == whole.parent:
            return False
        changed = source[whole.start_byte : mutant.start].decode() + mutant.replacement + source[mutant.end : whole.end_byte].decode()
        mutant.edit = (whole.start_byte, whole.end_byte)
        mutant.text = changed
    elif mutant.genre in ("MatchArm", "MatchArmGuard"):
        arm = within(node, {"match_arm"})
        pattern = arm and arm.child_by_field_name("pattern")
        guard = pattern and pattern.child_by_field_name("condition")
        if pattern is None or guard is not None and within(guard, {"let_condition", "let_chain"}) == guard:
            return False
        mutant.edit = (guard.start_byte, guard.end_byte) if guard is not None else (pattern.end_byte, pattern.end_byte)
        mutant.text = "" if guard is not None else f" if !{condition(mutant)} "
    elif mutant.genre == "StructField":
        field = within(node, {"field_initializer"})
        base = field and next((c for c in field.parent.children if c.type == "base_field_initializer"), None)
        value, name = (field.child_by_field_name(part) for part in ("value", "field")) if field else (None, None)
        if base is None or value is None:
            return False
        mutant.edit = (value.start_byte, value.end_byte)
        mutant.text = f"if {condition(mutant)} {{ ({text(base)[2:]}).{text(name)} }} else {{ {text(value)} }}"
    else:
        return False
    return True


def groups(mutants):
    """Parts mutants so that in each group no edit lies within another; alternatives at one place go together."""
    places, by_file, parts = defaultdict(list), defaultdict(list), defaultdict(list)
    for mutant in mutants:
        places[mutant.file, mutant.edit, mutant.genre == "StructField"].append(mutant)
    for (file, edit, _), found in places.items():
        by_file[file].append((edit, found))
    for found in by_file.values():
        around = []
        for (start, end), alternatives in sorted(found, key=lambda one: (one[0][0], -one[0][1])):
            around = [one for one in around if one[0] > start]
            taken = {part for _, part in around}
            part = next(n for n in range(len(taken) + 1) if n not in taken)
            around.append((end, part))
            parts[part].extend(alternatives)
    return [parts[part] for part in sorted(parts)]


def guarded(original, mutants):
    """A guard of a match arm that some take for true and others for false."""
    for mutant in mutants:
        if mutant.genre == "MatchArmGuard" and mutant.replacement.strip() == "true":
            original = f"({condition(mutant)} || {original})"
        else:
            original = f"(!{condition(mutant)} && {original})"
    return original


def written(source, mutants):
    """The source with these mutants as branches, and whose text lies where in it, the narrowest first."""
    places = defaultdict(list)
    for mutant in mutants:
        places[mutant.edit].append(mutant)
    for start, end in {mutant.const for mutant in mutants if mutant.const}:
        source = source[:start] + b" " * (end - start) + source[end:]
    out, at, ranges, moved = bytearray(), 0, [], []
    for (start, end), found in sorted(places.items()):
        out += source[at:start]
        original = source[start:end]
        wraps = found[0].genre in ("BinaryOperator", "UnaryOperator")
        opening = len(out)
        if wraps:
            for n, mutant in enumerate(found):
                out += f"{'(' if n == 0 else ' else '}if {condition(mutant)} {{ ".encode()
                begin = len(out)
                out += mutant.text.encode()
                ranges.append((begin, len(out), [mutant]))
                out += b" }"
            out += b" else { " + original + b" })"
        elif original and found[0].genre != "StructField":
            out += guarded(f"({original.decode()})", found).encode()
        else:
            for mutant in found:
                begin = len(out)
                out += mutant.text.encode()
                ranges.append((begin, len(out), [mutant]))
        # What is wrong with the whole is wrong with all of them.
        ranges.append((opening, len(out), found))
        at = end
        moved.append((end, len(out)))
    out += source[at:]
    for mutant in mutants:
        if mutant.until:
            begin = next(new for old, new in moved if old == mutant.edit[1])
            old, new = [one for one in moved if one[0] <= mutant.until][-1]
            ranges.append((begin, new + mutant.until - old, [mutant]))
    return bytes(out), sorted(ranges, key=lambda one: one[1] - one[0])


def parsed(source):
    return Parser(RUST).parse(source)
