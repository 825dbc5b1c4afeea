"""A Pulumi engine that records: what a program registers, with options and secrets, which plain mocks do not show."""

import asyncio
import gc
import json
import runpy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks, set_all_config, set_mocks
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.stack import run_pulumi_func

from project.stack_file import UNREADABLE

ROOT = Path(__file__).parents[3]
DIGEST = f"sha256:{'a' * 64}"
"""What every image that is "built" turns out as."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  the mark of a secret on the wire


@dataclass(frozen=True)
class Resource:
    """One registered resource: plain inputs, and those texts in them that are marked as secret."""

    token: str
    name: str
    urn: str
    provider: str
    inputs: dict[str, Any]
    secrets: tuple[str, ...]
    plain: tuple[str, ...]
    """All other texts."""
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    replacement_trigger: Any
    retained: bool
    protected: bool
    deleted_before_replaced: bool
    dependencies: frozenset[str]
    property_dependencies: Mapping[str, Collection[str]]
    """URNs that each input is made from."""
    aliases: tuple[str, ...]
    """The names of the aliases."""
    create_timeout: str


@dataclass(frozen=True)
class _Answers(mocks.Mocks):
    """A provider returns its inputs, with generated names, a builder the digest, and a stash its kept value."""

    builds: bool
    kept: Mapping[str, object]
    repo_digest: str
    """What a Docker engine reports."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        known: dict[str, Any] = {}
        if self.builds and args.typ == "docker-build:index:Image":
            known["digest"] = _tainted(DIGEST, args.inputs)
        if self.builds and args.typ == "docker:index/image:Image":
            known["repoDigest"] = _tainted(self.repo_digest, args.inputs)
        if args.typ == "pulumi:index:Stash" and (kept := self.kept.get(args.name, args.inputs.get("input"))):
            known["output"] = kept
        if args.typ.startswith("kubernetes:") and "name" not in (metadata := args.inputs.get("metadata", {})):
            known["metadata"] = {**metadata, "name": f"{args.name}-1234abcd"}
        return f"{args.name}-id", {**args.inputs, **known}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"no function is to be called, but {args.token} was")


class _Monitor(mocks.MockMonitor):
    def __init__(self, *, builds: bool, kept: Mapping[str, object], repo_digest: str) -> None:
        super().__init__(_Answers(builds, kept, repo_digest))
        self._kept = kept
        self.registered: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the name of the RPC
        raw = json_format.MessageToDict(request.object)
        if request.type == "pulumi:index:Stash" and "input" in request.ignoreChanges and request.name in self._kept:
            request.object["input"] = self._kept[request.name]
        reply = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            secrets, plain = _texts(raw)
            self.registered.append(
                Resource(
                    token=request.type,
                    name=request.name,
                    urn=reply.urn,
                    provider=request.provider,
                    inputs=_revealed(raw),
                    secrets=tuple(secrets),
                    plain=tuple(plain),
                    ignore_changes=tuple(request.ignoreChanges),
                    replace_on_changes=tuple(request.replaceOnChanges),
                    replacement_trigger=json_format.MessageToDict(request.replacement_trigger),
                    retained=request.retainOnDelete,
                    protected=request.protect,
                    deleted_before_replaced=request.deleteBeforeReplace,
                    dependencies=frozenset(request.dependencies),
                    property_dependencies={name: each.urns for name, each in request.propertyDependencies.items()},
                    aliases=tuple(alias.spec.name for alias in request.aliases),
                    create_timeout=request.customTimeouts.create,
                )
            )
        return reply


@dataclass
class Run:
    """What one run registered and exported."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, token: str) -> list[Resource]:
        """All resources of a type."""
        return [resource for resource in self.resources if resource.token == token]

    def one(self, token: str, object_name: str | None = None) -> Resource:
        """The only resource of a type, or the only one for the Kubernetes object of that name."""
        (found,) = [r for r in self.of(token) if object_name in (None, r.inputs.get("metadata", {}).get("name"))]
        return found


def run(
    program: Callable[[], object],
    *,
    config: dict[str, str] | None = None,
    encrypted: Collection[str] = (),
    preview: bool = True,
    builds: bool = True,
    kept: Mapping[str, object] | None = None,
    repo_digest: str = f"registry.example/pushed-to-before@{DIGEST}",
) -> Run:
    """Runs a program to its end on a fresh engine, whose state has nothing but those stashes that are `kept`.

    What the program raises, also in an apply, is raised here.
    """
    monitor, seen = _Monitor(builds=builds, kept=kept or {}, repo_digest=repo_digest), Run()

    def begin() -> None:
        program()

    async def whole() -> None:
        # A program that fails leaves futures behind whose exceptions nobody retrieves. When they are collected, asyncio
        # logs them with tracebacks, for which Python 3.11 parses source: fatal to a parse that is interrupted by that.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        runtime_settings.ROOT.set(None)
        set_all_config(config or {}, [*encrypted])
        set_mocks(
            monitor.mocks,
            project="modelmesh",
            stack="dev",
            preview=preview,
            organization="organization",
            monitor=monitor,
        )
        await run_pulumi_func(begin)
        stack: Any = runtime_settings.get_root_resource()
        for key, value in stack.outputs.items():
            seen.outputs[key] = await pulumi.Output.from_input(value).future()
        await run_pulumi_func(lambda: None)

    try:
        asyncio.run(whole())
    finally:
        gc.enable()  # this project's program disables the collection of garbage for its process
    seen.resources = monitor.registered
    return seen


def run_stack(
    config: dict[str, str], *, encrypted: Collection[str] = (), preview: bool = True, builds: bool = True
) -> Run:
    """Runs this project's program."""

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    return run(program, config=config, encrypted=encrypted, preview=preview, builds=builds)


def stack_config(stack: str) -> dict[str, str]:
    """The values of a tracked stack file as the engine hands them over: text, and JSON where structured."""
    values = {key: _unreadable(value) for key, value in _tracked(stack).items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def encrypted_keys(stack: str) -> list[str]:
    """Those of them that the engine marks as secret, because there is one in them."""
    return [key for key, value in _tracked(stack).items() if _unreadable(value) != value]


def _tracked(stack: str) -> dict[str, Any]:
    tracked: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return tracked


def _unreadable(value: Any) -> Any:
    """As in a preview by somebody who cannot decrypt."""
    if isinstance(value, dict):
        return UNREADABLE if value.keys() == {"secure"} else {key: _unreadable(entry) for key, entry in value.items()}
    return [_unreadable(entry) for entry in value] if isinstance(value, list) else value


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _revealed(value["value"])
        return {key: _revealed(entry) for key, entry in value.items()}
    return [_revealed(entry) for entry in value] if isinstance(value, list) else value


def _tainted(output: str, inputs: dict[Any, Any]) -> Any:
    """As providers mark it that can't tell what an output comes from: a secret if any input is one."""
    secrets, _ = _texts(inputs)
    return {_SIGNATURE: _SECRET, "value": output} if secrets else output


def _texts(value: Any, *, secret: bool = False) -> tuple[list[str], list[str]]:
    if isinstance(value, dict):
        secret = secret or value.get(_SIGNATURE) == _SECRET
        value = [entry for key, entry in value.items() if key != _SIGNATURE]
    if isinstance(value, list):
        pairs = [_texts(entry, secret=secret) for entry in value]
        return [text for found, _ in pairs for text in found], [text for _, found in pairs for text in found]
    text = [value] if isinstance(value, str) else []
    return (text, []) if secret else ([], text)
