"""Docstrings, comments and messages are plain sentences that stand alone."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = (
    *("__main__.py", "benchmarks", "cli", "components", "embedded", "examples", "models", "policies", "project"),
    *("runtime_src", "settings", "skeleton"),
)
MINIMUM_WORDS = 3

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
    r"|chokes?|shall|the like|is so(?=[.,;:])|that is all|what came|let pass|goes? on|went on|knows? of|all of it"
    r"|says? so|said so|asked for|has had|makes? do|in the end|(stands?|stood) (there|here|where)"
    r"|(some|any)body|someone else('s)?|for ever|aloud|in the way|looks? after|(takes?|taken) away|gets? to (see|know)"
    r"|at one's|else's|is there already|what (it|they|that) (is|are|says?)|gone (with|afterwards))\b",
    re.IGNORECASE,
)
WHY = {
    "empty": "says nothing: describe the thing or delete the text",
    "capital": "does not start with a capital letter or a literal in backticks",
    "end": "does not end like a sentence, with one of . ? ! :",
    "hanging": "starts with a word that hangs on a neighbour or a question: name the thing itself",
    "short": f"has a first sentence of fewer than {MINIMUM_WORDS} words, which only its neighbours explain",
    "raises": "names an exception inside a sentence: use a section `Raises:`",
    "archaic": "uses a phrase that no Kubernetes or Pulumi page would",
    "completion": "does not complete the sentence `<path>: <given>, expected ...`",
}


def docstring_faults(text: str) -> set[str]:
    """Which rules of `WHY` a docstring breaks."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if not paragraphs:
        return {"empty"}
    summary, last = " ".join(paragraphs[0].split()), paragraphs[-1].rstrip()
    # The last paragraph may be a section, a list, a table or a code block.
    listed = re.search(r"^\s*(\w+:$|[-*|]|\d+\.|```|    )|\S {2,}\S", last, re.MULTILINE)
    ended = re.search(r"[.?!:]\)?$", summary) and (listed or re.search(r"[.?!:]\)?$", last))
    first = re.split(r"(?<=[.?!])\s", summary)[0]
    broken = {
        "capital": not re.match(r"[A-Z`\"'0-9]", summary),
        "end": not ended,
        "hanging": HANGING.match(summary),
        "short": len(re.findall(r"`[^`]*`|[\w'-]+", first)) < MINIMUM_WORDS,
        "raises": re.search(r"(^|[.;] )[Rr]aises `?[A-Z]", text, re.MULTILINE),
    }
    return {rule for rule, found in broken.items() if found} | archaic(text)


def archaic(text: str) -> set[str]:
    """The rule that a comment or a message breaks, if any."""
    return {"archaic"} if ARCHAIC.search(" ".join(text.split())) else set()


def expectation_faults(text: str) -> set[str]:
    """Which rules of `WHY` the `expected` of a problem breaks; it is rendered after `<path>: <given>, expected`."""
    if not text.strip():
        return {"empty"}
    completes = not re.search(r"\w\.$", text) and not re.match(r"(of|by|as|than|so|such|it|its|expected)\b", text)
    return archaic(text) | (set() if completes else {"completion"})


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of the docstrings of the module, its classes and functions, and of the strings after fields."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for before, statement in zip([None, *body], body, strict=False) if isinstance(body, list) else ():
            documented = isinstance(before, ast.Assign | ast.AnnAssign) or (
                before is None and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            )
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))) if documented:
                    yield statement.lineno, text


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each line of comments."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of all other strings of several words, with … in the place of values."""
    tree, seen = ast.parse(source), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Expr):
            seen |= {id(child) for child in ast.iter_child_nodes(node)}
        if id(node) not in seen and " " in (text := _literal(node) or ""):
            yield getattr(node, "lineno", 0), text


def expectations(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each literal `expected` of a `Problem`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="Problem")):
                by_name = {keyword.arg: keyword.value for keyword in node.keywords}
                text = _literal(node.args[2] if len(node.args) > 2 else by_name.get("expected"))
                if text is not None:
                    yield node.lineno, text


def _literal(node: object) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(value.value) if isinstance(value, ast.Constant) else "…" for value in values)
    return None


def files() -> list[Path]:
    """Python files of the product."""
    paths = [
        path for name in PRODUCT for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    return sorted(path for path in paths if not {"__pycache__", "venv"} & set(path.parts))


@pytest.mark.parametrize(
    ("texts", "faults", "least"),
    [
        (docstrings, docstring_faults, 1_400),
        (comments, archaic, 200),
        (messages, archaic, 500),
        (expectations, expectation_faults, 0),
    ],
)
def test_texts_are_plain_sentences_that_stand_alone(
    texts: Callable[[str], Iterator[tuple[int, str]]], faults: Callable[[str], set[str]], least: int
) -> None:
    found = [(path, *each) for path in files() for each in texts(path.read_text(encoding="utf-8"))]
    assert len(found) >= least
    broken = [
        f"{path.relative_to(ROOT)}:{line} {WHY[rule]}: {' '.join(text.split())[:100]!r}"
        for path, line, text in found
        for rule in sorted(faults(text))
    ]
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Likewise.", "hanging"),
        ("As of S3.", "hanging"),
        ("By way of what they need, so that they come after all of that, and go before.", "hanging"),
        ("Of what must be there while it is marked: the mark comes after that and goes before it.", "hanging"),
        ("What a guard is told.", "archaic"),
        ("has no room for stack prod.", "capital"),
        ("A rule that bears no other on its cluster.", "archaic"),
        ("Settings that the server takes amiss.", "archaic"),
        ("Arguments of ClusterGuard", "end"),
        ("Seconds.", "short"),
        ("Read the settings; raises SettingsError.", "raises"),
        ("", "empty"),
    ],
)
def test_a_fragment_is_found(text: str, rule: str) -> None:
    assert rule in docstring_faults(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a limit of the same, there is no more of it to be had", "archaic"),
        ("none of a Docker engine, which is told nothing of them.", "completion"),
        ("of others, a runtime's own rules look", "completion"),
        (" ", "empty"),
    ],
)
def test_a_wrong_expectation_is_found(text: str, rule: str) -> None:
    assert rule in expectation_faults(text)


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
    assert not docstring_faults(text)


def test_every_kind_of_text_is_found_in_a_file() -> None:
    source = '''"""Module."""
name: str  # a comment
"""Field."""
def function():
    """Function."""
    raise ValueError(f"{name}: a message")
Problem(path, 1, f"at most {most}")
Problem(path=path, given=1, expected="a name")
'''
    assert [text for _, text in docstrings(source)] == ["Module.", "Field.", "Function."]
    assert [text for _, text in comments(source)] == ["a comment"]
    assert {"…: a message", "at most …", "a name"} == {text for _, text in messages(source)}
    assert [text for _, text in expectations(source)] == ["at most …", "a name"]
