"""Command `make mutants`, which tells whether the unit tests notice when a decision of the code is wrong.

Each decision of `components` and `settings` is made wrong once, as a mutant: a condition that always or never holds,
an operand left out, a comparison reversed or off by one, `any` for `all`, a number plus one, a statement left out (a
problem that is not yielded, an error that is not raised, a wait that is not made). A mutant is killed if some test
fails on it. Texts and the top level of modules stay as they are.

The tests run once while the lines that each of them runs are traced; those of a fixture count for all tests that share
it. Each mutant is then a child process, which replaces the code object of one function and runs the tests of the
mutated lines, the quickest first. No file is changed.
"""

import argparse
import ast
import functools
import gc
import importlib
import os
import pickle
import random
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from components.upstream.documents import documents

ROOT = Path(__file__).resolve().parents[1]
MINUTES = 40
WANTED = 0.9
"""Share of the mutants to be killed."""
TESTS = ("tests/unit/stack", "tests/unit/cli/test_check.py", "tests/unit/cli/test_stack.py")
_ELSEWHERE = "components/stores/publisher/"
"""Runs in an image of its own."""
_READING = "components.upstream.documents", "components.upstream.source"
"""Their caches hold documents that take long to read: they are kept, except for mutants of these modules."""
_SURVIVED, _KILLED, _FAULT = 0, 1, 2
"""Exit codes of child processes; a fault is one of this module."""
_PAIRS = (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_DEFAULTS = ast.Constant, ast.Tuple, ast.List, ast.Dict
"""What stands after `or` in place of nothing; it decides nothing."""
_Caches = Sequence["functools._lru_cache_wrapper[Any]"]
_Node = ast.expr | ast.stmt
_Key = tuple[str, str, int]
"""File, qualified name and first line of a function."""
_Line = tuple[str, int]
"""File and number."""


@dataclass(frozen=True)
class Mutant:
    """One wrong decision in one function, whose code becomes `code`."""

    lines: range
    change: str
    code: CodeType

    @property
    def place(self) -> str:
        """File and line, as editors open them."""
        return f"{Path(self.code.co_filename).relative_to(ROOT)}:{self.lines[0]}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    for top in ast.parse(path.read_text()).body:
        for function in top.body if isinstance(top, ast.ClassDef) else [top]:
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            around = ast.ClassDef(top.name, [], [], [function], []) if isinstance(top, ast.ClassDef) else function
            alone = ast.fix_missing_locations(ast.Module([ast.copy_location(around, function)], []))
            for node in [each for statement in function.body for each in ast.walk(statement)]:
                for old, new, put in _changes(node):
                    put(ast.fix_missing_locations(ast.copy_location(new, old)))
                    code = next(
                        each for each in _codes(compile(alone, str(path), "exec")) if each.co_name == function.name
                    )
                    put(old)
                    change = f"`{_shown(old)}` becomes `{_shown(new)}`"
                    yield Mutant(range(old.lineno, (old.end_lineno or old.lineno) + 1), change, code)


def _changes(node: ast.AST) -> Iterator[tuple[_Node, _Node, Callable[[Any], None]]]:
    """Nodes directly below `node`, each with a wrong one for its place and the function that puts it there."""
    for field, value in ast.iter_fields(node):
        if isinstance(value, list):
            for index, each in enumerate(value):
                for new in _wrong(node, field, each):
                    yield each, new, functools.partial(value.__setitem__, index)
        elif isinstance(value, ast.AST):
            for new in _wrong(node, field, value):
                yield value, new, functools.partial(setattr, node, field)  # type: ignore[misc]


def _wrong(parent: ast.AST, field: str, node: Any) -> Iterator[_Node]:
    """What may stand in the place of `node`. Names stay in use, so that closures keep their variables."""
    never = ast.BoolOp(ast.And(), [ast.Constant(False), node])
    always = ast.BoolOp(ast.Or(), [ast.Constant(True), node])
    condition = field in {"test", "ifs"} and not isinstance(parent, ast.Assert)
    if condition:
        yield never
        if not isinstance(parent, ast.While):
            yield always
    elif isinstance(parent, ast.BoolOp) and field == "values" and not isinstance(node, _DEFAULTS):
        yield always if isinstance(parent.op, ast.And) else never
    match node:
        case ast.Compare(ops=[operator]) if not condition or isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            yield ast.Compare(node.left, [_OPPOSITES[type(operator)]()], node.comparators)
        case ast.UnaryOp(op=ast.Not()) if not condition:
            yield node.operand
        case ast.Constant(value=int(number)) if not isinstance(number, bool) and field != "slice":
            yield ast.Constant(number + 1)
        case ast.Name(id="any" | "all" as name):
            yield ast.Name("all" if name == "any" else "any", ast.Load())
        case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign():
            yield ast.If(ast.Constant(False), [node], [])
        case ast.Expr(value=value) if not isinstance(value, ast.Constant):
            yield ast.If(ast.Constant(False), [node], [])


def _shown(node: _Node) -> str:
    return "pass" if isinstance(node, ast.If) and isinstance(node.test, ast.Constant) else ast.unparse(node)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


class Run:
    """A plugin of pytest that runs the collected tests on mutants instead of once."""

    def __init__(self, files: Sequence[Path], minutes: float) -> None:
        self.files, self.ends = files, time.monotonic() + minutes * 60
        self.survivors: list[Mutant] = []
        self.run = self.total = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Trace the tests, then run the mutants in random order: those within the time are a fair sample."""
        found = [mutant for path in self.files for mutant in mutants(path)]
        random.Random(0).shuffle(found)  # noqa: S311  repeatable, not secret
        self.total = len(found)
        for path in self.files:
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        functions, caches = _functions(), _caches()
        for folder in ("crd", "runtimes"):
            documents(folder)  # read once, and not by each child
        gc.freeze()
        _say(f"tracing {len(session.items)} tests")
        tests, seconds, failed = _traced(session.items, {str(path) for path in self.files}, caches)
        for name in failed:
            _say(f"left out, as it fails without a mutant: {name}")
        running: dict[int, Mutant] = {}
        began = time.monotonic()
        while (found and time.monotonic() < self.ends) or running:
            while found and len(running) < (os.cpu_count() or 1) and time.monotonic() < self.ends:
                mutant = found.pop()
                numbers = {number for line in mutant.lines for number in tests[mutant.code.co_filename, line]}
                ordered = sorted(numbers, key=seconds.__getitem__)
                replaced = functions[_key(mutant.code)]
                timed = [(session.items[each], seconds[each]) for each in ordered]
                running[_forked(functools.partial(_run, timed, mutant, replaced, caches))] = mutant
            child, status = os.wait()
            mutant = running.pop(child)
            if os.waitstatus_to_exitcode(status) == _FAULT:
                raise RuntimeError(f"cannot run {mutant.place}: {mutant.change}")
            self.run += 1
            if status == _SURVIVED:
                self.survivors.append(mutant)
                _say(f"survived: {mutant.place}: {mutant.change}")
            if self.run % 50 == 0:
                left = len(found) * (time.monotonic() - began) / self.run
                _say(f"{self.run} of {self.total} mutants, {self.share:.1%} killed, {left / 60:.0f} minutes left")
        return True

    @property
    def share(self) -> float:
        """Share of the mutants that the tests killed, so far."""
        return 1 - len(self.survivors) / max(self.run, 1)


class _Fixtures:
    """A plugin of pytest that notes the lines of each fixture that several tests share, with its seconds."""

    def __init__(self) -> None:
        self.setting_up: list[set[_Line]] = []
        """Lines of the fixtures that are being set up, the innermost last."""
        self._lines: dict[tuple[str, str], set[_Line]] = defaultdict(set)
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Note the lines that are traced meanwhile."""
        if fixturedef.scope == "function":
            return (yield)
        key = fixturedef.argname, fixturedef.baseid
        self.setting_up.append(self._lines[key])
        began = time.process_time()
        try:
            return (yield)
        finally:
            self._seconds[key] += time.process_time() - began
            self.setting_up.pop()

    def of(self, item: pytest.Item) -> tuple[set[_Line], float]:
        """Lines of all that this test uses, and the seconds of setting them up again."""
        names = item.fixturenames if isinstance(item, pytest.Function) else ()
        used = [key for key in self._lines if key[0] in names and item.nodeid.startswith(key[1])]
        return set[_Line]().union(*(self._lines[key] for key in used)), sum(self._seconds[key] for key in used)


def _traced(
    items: Sequence[pytest.Item], files: set[str], caches: _Caches
) -> tuple[dict[_Line, set[int]], list[float], list[str]]:
    """Tests that run each line, processor seconds of each test, and names of those that fail, from a child process."""
    reading, writing = os.pipe()

    def child() -> int:
        lines: dict[_Line, set[int]] = defaultdict(set)
        seconds, failed, number = [0.0] * len(items), list[str](), 0
        fixtures = _Fixtures()
        items[0].config.pluginmanager.register(fixtures)

        def line(frame: FrameType, event: str, _: object) -> Any:
            if event == "line":
                ran = frame.f_code.co_filename, frame.f_lineno
                lines[ran].add(number)
                for shared in fixtures.setting_up:
                    shared.add(ran)
            return line

        def call(frame: FrameType, *_: object) -> Any:
            return line if frame.f_code.co_filename in files else None

        for number, item in enumerate(items):
            for cache in caches:
                if cache.__module__ not in _READING:
                    cache.cache_clear()
            began = time.process_time()
            threading.settrace(call)
            sys.settrace(call)
            reports = runtestprotocol(item, log=False, nextitem=(*items, None)[number + 1])
            sys.settrace(None)
            threading.settrace(None)
            shared, again = fixtures.of(item)
            seconds[number] = time.process_time() - began + again
            for ran in shared:
                lines[ran].add(number)
            if any(report.failed for report in reports):
                failed.append(item.nodeid)
                for numbers in lines.values():
                    numbers.discard(number)
            if number % 100 == 99:
                _say(f"{number + 1} of {len(items)} tests traced")
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump((lines, seconds, failed), pipe)
        return 0

    process = _forked(child)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines, seconds, failed = pickle.load(pipe)  # noqa: S301  written above
    os.waitpid(process, 0)
    return lines, seconds, failed


def _run(
    timed: Sequence[tuple[pytest.Item, float]], mutant: Mutant, replaced: Sequence[FunctionType], caches: _Caches
) -> int:
    """Run tests on a mutant until one fails; a signal ends one that takes far too long, and so kills the mutant."""
    os.dup2(1, 2)
    for function in replaced:
        function.__code__ = mutant.code
    if replaced[0].__module__ in _READING:
        for cache in caches:
            cache.cache_clear()
    for (item, seconds), following in zip(timed, [*(item for item, _ in timed[1:]), None], strict=False):
        signal.setitimer(signal.ITIMER_PROF, 5 + 5 * seconds)  # of processor time
        signal.setitimer(signal.ITIMER_REAL, 60 + 60 * seconds)
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            return _KILLED
    return _SURVIVED


def _caches() -> _Caches:
    found = [each for each in gc.get_objects() if type(each) is functools._lru_cache_wrapper]
    return [each for each in found if each.__module__.startswith(("components.", "settings."))]


def _functions() -> dict[_Key, list[FunctionType]]:
    found = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType:  # `isinstance` would ask the object, and proxies load what they stand for
            found[_key(each.__code__)].append(each)
    return found


def _key(code: CodeType) -> _Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _forked(body: Callable[[], int]) -> int:
    """Number of a child process that runs `body` and ends with its exit code; it never returns into pytest."""
    if child := os.fork():
        return child
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = _FAULT
    try:
        code = body()
    finally:
        os._exit(code)


def _say(text: str) -> None:
    print(f"  … {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Print survivors and the share killed; the exit code is 1 below the wanted share."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Make each decision wrong once.")
    parser.add_argument("paths", nargs="*", help="files or folders (default: components and settings)")
    parser.add_argument("--tests", nargs="+", default=TESTS, help=f"what pytest runs (default: {' '.join(TESTS)})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"end after this time (default: {MINUTES})")
    arguments = parser.parse_args()
    paths = [ROOT / each for each in arguments.paths or ("components", "settings")]
    files = sorted({file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])})
    run = Run([each for each in files if _ELSEWHERE not in str(each)], arguments.minutes)
    pytest.main(["-qq", "-s", "--no-summary", "-p", "no:cacheprovider", *arguments.tests], plugins=[run])
    if not run.run:
        sys.exit("✗ No mutant was run: pytest prints the reason above")
    for mutant in sorted(run.survivors, key=lambda each: (each.code.co_filename, each.lines[0])):
        print(f"{mutant.place}: {mutant.change}")
    print(f"{run.share:.1%} of {run.run} mutants killed, {len(run.survivors)} survived, {run.total - run.run} not run")
    sys.exit(run.share < WANTED)


if __name__ == "__main__":
    main()
