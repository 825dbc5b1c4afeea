"""Loads the engine's configuration into Settings and reports every problem at once, before any resource exists."""

from pathlib import Path
from typing import Any

import pulumi

import components as mm
from components.checks import ROOT, FieldPath, Problem, Text
from project.marked_yaml import MarkedDocument, documents
from project.stack_file import UNREADABLE

from . import schema
from .component_checks import component_problems
from .conflicts import conflicts
from .keys import by_key
from .models import models
from .records import secret_problems
from .settings import Settings


class ConfigurationError(pulumi.RunError):
    """The stack's configuration has problems; the message has all of them."""


def load() -> Settings:
    """Loads the settings of the current stack.

    Raises:
        ConfigurationError: Some values are missing, wrong, or contradict each other.
    """
    stack, prefix = pulumi.get_stack(), f"{pulumi.get_project()}:"
    everything = {**pulumi.runtime.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    given = {key.removeprefix(prefix): text for key, text in everything.items() if key.startswith(prefix)}
    encrypted = frozenset(key for key in given if _is_secret(prefix + key))
    file, written = _stack_file(stack, prefix)
    values, problems = schema.typed(given, encrypted)
    wrong = {problem.path[0] for problem in problems}
    if not pulumi.runtime.is_dry_run():
        unreadable = sorted(key for key, text in given.items() if UNREADABLE in text)
        problems += [Problem(ROOT / key, Text(UNREADABLE), "the secret for an update") for key in unreadable]
    more_models, model_problems = models(values)
    try:
        settings = Settings(values, more_models.values())
    except mm.InvalidSpecError as error:
        problems += [by_key(problem.under("images")) for problem in error.problems]
        settings = Settings({**values, "images": {}, "imageRegistry": ""}, more_models.values())
    problems += [
        *model_problems,
        *secret_problems(values, encrypted, written),
        *conflicts(values, wrong),
        *component_problems(settings, more_models),
    ]
    if not problems:
        return settings
    hint = "Pulumi.yaml describes every key; `pulumi config set <key> <value>` sets one."
    if not (given.get("kubeconfig") or given.get("context")):
        hint = (
            "The stack names no cluster. For the embedded one, which `make up` starts, first run in this shell:\n"
            '  eval "$(.venv/bin/python -m embedded env)"\n'
            f"For another one, set {prefix}kubeconfig and {prefix}context. {hint}"
        )

    def place(path: FieldPath) -> str:
        """The line of the field's key, if the stack's file has the key."""
        if file is None or path[0] not in written:
            return ""
        return f"Pulumi.{stack}.yaml:{file.line(('config', f'{prefix}{path[0]}', *path[1:]))}: "

    by_path: dict[FieldPath, Problem] = {}
    for problem in problems:
        by_path.setdefault(problem.path, problem)
    raise ConfigurationError(
        f"The configuration of stack {stack!r} (Pulumi.{stack}.yaml) cannot be used:\n"
        + "".join(f"  {place(problem.path)}{prefix}{problem}\n" for problem in by_path.values())
        + hint
    )


def _stack_file(stack: str, prefix: str) -> tuple[MarkedDocument | None, dict[str, Any]]:
    """The stack's file and its values by key, with ciphertexts in place of secrets; nothing without a file."""
    path = Path(f"Pulumi.{stack}.yaml")
    file = next(documents(path.read_text(encoding="utf-8")), None) if path.is_file() else None
    if not isinstance(file, MarkedDocument) or not isinstance(file.value, dict):
        return None, {}
    return file, {str(key).removeprefix(prefix): value for key, value in (file.value.get("config") or {}).items()}


def _is_secret(key: str) -> bool:
    return pulumi.runtime.is_config_secret(key) or key in pulumi.runtime.get_config_secret_keys_env()
