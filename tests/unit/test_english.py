"""Docstrings, comments and validation messages are plain sentences that stand alone."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = (
    "__main__.py",
    "benchmarks",
    "cli",
    "components",
    "embedded",
    "models",
    "policies",
    "runtime_src",
    "settings",
)
MINIMUM_WORDS = 3
DONE = ("benchmarks", "embedded", "models", "policies", "runtime_src", "skeleton")

HANGING = re.compile(
    r"(Likewise|The same|Also|Or|And|But|So|Thus|Then|Besides|Otherwise|Else|Such|Neither|Nor|Others"
    r"|As|Of|By|For|With|Without|In|On|At|From|To|Than|Within|Beside|Below|Above|After|Before"
    r"|(This|These) (is|are|was|were|has|have|ones?)|That|Those|It|Its|They|Their|Them|He|His"
    r"|What|Which|Who|Whom|Whose|Where|Wherever|When|Why|How|Because|Since|Unless|Until|While|If)\b"
)
ARCHAIC = re.compile(
    r"\b(told|amiss|bears|anew|lest|amid|upon|besides|whoever|whomever|hitherto|thereby|nought|heed|one's own|of a sort"
    r"|of (its|their|our|his|her|your|a stack's) own|of the same(?=[.,;:])|(can|could|to|not|must|has to) be had|be had"
    r"|by way of|for want of|for lack of|(comes|came|come) of|falls? over|fell over|nothing of|at the (most|least)"
    r"|chokes?|shall|the like|is so|that is all|what came|let pass|goes? on|went on|knows? of|all of it"
    r"|says? so|said so|asked for|has had|makes? do|in the end|(stands?|stood) (there|here|where))\b",
    re.IGNORECASE,
)
WHY = {
    "empty": "says nothing: describe the thing or delete the docstring",
    "capital": "does not start with a capital letter or a literal in backticks",
    "end": "does not end like a sentence, with one of . ? ! :",
    "hanging": "starts with a word that hangs on a neighbour or a question: name the thing itself",
    "short": f"has a first sentence of fewer than {MINIMUM_WORDS} words, which only its neighbours explain",
    "raises": "names an exception inside a sentence: use a section `Raises:`",
    "archaic": "uses a phrase that no Kubernetes or Pulumi page would",
}


class Text(NamedTuple):
    """One piece of prose and its place."""

    place: str
    text: str


def faults(text: str) -> set[str]:
    """Which rules of `WHY` a docstring breaks."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if not paragraphs:
        return {"empty"}
    summary, last = " ".join(paragraphs[0].split()), paragraphs[-1].rstrip()
    first = re.split(r"(?<=[.?!])\s", summary)[0]
    found = set()
    if not re.match(r"[A-Z`\"'0-9]", summary):
        found.add("capital")
    # The last paragraph may be a section, a list, a table or a code block.
    listed = re.search(r"^\s*(\w+:$|[-*|]|\d+\.|```|    )|\S {2,}\S", last, re.MULTILINE)
    if not re.search(r"[.?!:]\)?$", summary) or not (listed or re.search(r"[.?!:]\)?$", last)):
        found.add("end")
    if HANGING.match(summary):
        found.add("hanging")
    if len(re.findall(r"`[^`]*`|[\w'-]+", first)) < MINIMUM_WORDS:
        found.add("short")
    if re.search(r"\b[Rr]aises `?[A-Z]", text):
        found.add("raises")
    return found | archaic(text)


def archaic(text: str) -> set[str]:
    """`archaic` where a phrase of another century is used."""
    return {"archaic"} if ARCHAIC.search(" ".join(text.split())) else set()


def docstrings(file: Path) -> Iterator[Text]:
    """Docstrings of the module, its classes and functions, and the strings after fields."""
    for node in ast.walk(ast.parse(file.read_text())):
        body = getattr(node, "body", None)
        for before, statement in zip([None, *body], body, strict=False) if isinstance(body, list) else ():
            documented = isinstance(before, ast.Assign | ast.AnnAssign) or (
                before is None and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            )
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))) if documented:
                    yield Text(f"{file.relative_to(ROOT)}:{statement.lineno}", text)


def comments(file: Path) -> Iterator[Text]:
    """Comments, each line by itself."""
    for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{file.relative_to(ROOT)}:{token.start[0]}", token.string.lstrip("# "))


def files() -> list[Path]:
    return sorted(
        file
        for name in DONE
        for file in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
        if not {"__pycache__", "venv"} & set(file.parts)
    )


def report(found: dict[str, set[str]]) -> str:
    return "\n".join(f"{place} {WHY[rule]}" for place, rules in found.items() for rule in sorted(rules))


def test_docstrings_are_sentences_that_stand_alone() -> None:
    texts = [text for file in files() for text in docstrings(file)]
    assert len(texts) > 400
    found = {f"{each.place}: {each.text.strip().splitlines()[0][:90]!r}": faults(each.text) for each in texts}
    assert not any(found.values()), report(found)


def test_comments_use_todays_english() -> None:
    found = {f"{each.place}: {each.text!r}": archaic(each.text) for file in files() for each in comments(file)}
    assert not any(found.values()), report(found)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Likewise.", "hanging"),
        ("As of S3.", "hanging"),
        ("By way of what they need, so that they come after all of that, and go before.", "hanging"),
        ("Of what must be there while it is marked: the mark comes after that and goes before it.", "hanging"),
        ("What a guard is told.", "archaic"),
        ("expected a limit, so that more is there", "capital"),
        ("A rule that bears no other on its cluster.", "archaic"),
        ("Settings that the server takes amiss.", "archaic"),
        ("Seconds.", "short"),
        ("Read the settings; raises SettingsError.", "raises"),
        ("", "empty"),
    ],
)
def test_a_fragment_is_found(text: str, rule: str) -> None:
    assert rule in faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "Default bucket; omit it if every InferenceService names one.",
        "ServiceAccount of runtime pods; empty means the namespace's `default`.",
        "Arguments of ClusterGuard.",
        "Settings that make the MLServer adapter panic.",
        "DNS names (SANs) of the mesh certificate.",
        "`go build` names binaries after package paths.",
        "Whether the API server has finished its start.",
        "Build one image.\n\nRaises:\n    BuildError: The compiler failed.",
    ],
)
def test_a_plain_sentence_passes(text: str) -> None:
    assert not faults(text)
