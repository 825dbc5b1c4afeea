"""Everyday operations on a stack, each a function of its command line arguments."""

import json
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cli import engine, interrupted, node
from cli.comment import markdown
from cli.errors import CommandError, DriftError, EngineError
from cli.events import Events, read
from cli.predict import predict as score
from cli.preview import Preview, preview_without_node
from cli.preview import preview as previewed
from cli.samples import EXAMPLE
from cli.stack import Stack, is_embedded, on_no_node, open_stack, tracked
from cli.summary import summary
from models import sentiment as example
from project import ROOT
from project.errors import UserError
from project.progress import say, step

REFRESH = "--refresh"
"""The engine first reads the stack's objects from the cluster; otherwise it compares with what it last applied."""
# Refreshes the state and compares it with the program, without changing the cluster.
CHANGES_FLAGS = ("--expect-no-changes", "--diff", "--non-interactive", "--suppress-progress")
DRIFT_FLAGS = (REFRESH, *CHANGES_FLAGS)
_GUARDED = "modelmesh:index:ClusterGuard$pulumi:index:Stash::"
_PROVIDER = "pulumi:providers:kubernetes"


def up(arguments: Namespace) -> None:
    """Bring up the embedded cluster, if the stack uses it, and the stack, and send one request."""
    started = time.monotonic()
    if is_embedded(arguments.stack):
        say("▸ The embedded cluster")
        say(f"  {node.start(arguments.instance, tracked(arguments.stack).get('config') or {})}")
    clustered = time.monotonic()
    say(f"▸ The stack {arguments.stack}")
    _make_example()
    stack = _checked(arguments)
    stack.require_idle()
    stack.kubectl_program()  # a missing kubectl is reported before anything changes
    resources = interrupted.adopt(stack)
    _provide_kubeconfig(stack, resources)
    interrupted.spare(stack, resources)
    try:
        events = _updated(stack, yes=arguments.yes)
    except EngineError:
        config = tracked(stack.name, stack.root).get("config") or {}
        if config.get("modelmesh:buildWith") == "docker":  # its errors name neither the registry nor a step's output
            host = str(config.get("modelmesh:registry", "")).partition("/")[0]
            say(
                "  If an image failed: `docker build --progress=plain .build/context/<image>` shows the output of its "
                f"steps, and `docker login {host}` lets the Docker engine push (docs/troubleshooting.md)"
            )
        _explain(stack)
        raise
    deployed = time.monotonic()
    say("▸ What is there now")
    outputs = stack.outputs()
    _show(stack, outputs)
    say(f"▸ One sentence through ModelMesh: {EXAMPLE}")
    try:
        _print_scores(score(stack, EXAMPLE))
    except CommandError:
        _explain(stack)
        raise
    ended = time.monotonic()
    _summarize(summary(events))
    say(
        f"▸ {ended - started:.0f} s in all: cluster {clustered - started:.0f} s, stack {deployed - clustered:.0f} s, "
        f"first answer {ended - deployed:.0f} s"
    )
    if note := outputs.get("meshNote"):
        say(f"  {note}; docs/solo-mesh.md tells how to use the real one")


def preview(arguments: Namespace) -> None:
    """Show the changes of an `up`, and write them, or a failure, to the file `comment` for a pull request."""
    file = Path(arguments.comment) if arguments.comment else None
    try:
        _make_example()
        if is_embedded(arguments.stack) and not node.has_started(arguments.instance):
            result = preview_without_node(on_no_node(arguments.stack).with_policies())
        else:
            result = previewed(_checked(arguments))
    except UserError as error:
        _write(file, Preview(stack=arguments.stack, code=1, messages=str(error)))
        raise
    _write(file, result)
    if result.code:
        raise EngineError("preview", result.code, arguments.stack)
    _summarize(summary(result.events, compared=not result.unread))


def drift(arguments: Namespace) -> None:
    """Check that the cluster matches the stack.

    Raises:
        DriftError: It does not.
        CommandError: The comparison failed.
    """
    _make_example()
    stack = _checked(arguments)
    if not stack.outputs():
        raise CommandError(f"stack {stack.name} is not up, so nothing can have drifted: make up STACK={stack.name}")
    _provide_kubeconfig(stack, stack.resources())
    try:
        stack.pulumi("preview", *DRIFT_FLAGS)
    except EngineError as failed:
        # A change by hand that does not merge with what the files say, as of a port's number, fails the comparison.
        if failed.code != DriftError.exit_code and not _was_changed(stack):
            raise
        raise DriftError(
            f"stack {stack.name} has drifted, or its files have changed since the last update: "
            f"make up STACK={stack.name} restores it, or change its files to match the cluster"
        ) from None
    say(f"✓ stack {stack.name} has not drifted: the cluster has what its files say")


def _was_changed(stack: Stack) -> bool:
    """Whether the cluster differs from what was last applied; the engine shows where."""
    try:
        stack.pulumi("refresh", "--preview-only", *CHANGES_FLAGS)
    except EngineError as failed:
        return failed.code == DriftError.exit_code
    return False


def down(arguments: Namespace) -> None:
    """Destroy the stack, after checking that the context leads to its cluster."""
    stack = _opened(arguments)
    stack.require_idle()
    resources = interrupted.adopt(stack)
    _require_own_cluster(stack, resources)
    _require_unprotected(stack, resources)
    _provide_kubeconfig(stack, resources)
    stack.pulumi("destroy", REFRESH, *_consent(stack, yes=arguments.yes))


def clean(arguments: Namespace) -> None:
    """Stop the embedded cluster and delete its data, including the stack."""
    node.reset(arguments.instance)


def _opened(arguments: Namespace) -> Stack:
    return open_stack(arguments.stack, arguments.instance)


def _checked(arguments: Namespace) -> Stack:
    return _opened(arguments).with_policies()


def _updated(stack: Stack, *, yes: bool) -> Events:
    """Update the stack, and return the events of that."""
    with tempfile.NamedTemporaryFile(prefix="modelmesh-events-") as log:
        file = Path(log.name)
        stack.with_environment(engine.event_log(file)).pulumi("up", REFRESH, *_consent(stack, yes=yes))
        return read(file)


def _summarize(lines: Iterable[str]) -> None:
    say("▸ Summary")
    for line in lines:
        print(f"  {line}", flush=True)


def _make_example() -> None:
    """Create the example model, whose digest is an input of the program; an edited one is kept."""
    with step("the example's model"):
        unedited = example.provide(ROOT / example.TARGET)
    if not unedited:
        say(f"  {example.TARGET} was edited, and is used as it is; delete the folder to get the original")


def _consent(stack: Stack, *, yes: bool = False) -> tuple[str, ...]:
    """Options of an update: changes on the embedded cluster need no confirmation, since it has no other users."""
    if stack.embedded:
        return ("--yes", "--skip-preview")
    return ("--yes",) if yes else ()


def _require_own_cluster(stack: Stack, resources: list[dict[str, Any]]) -> str | None:
    """Check that the context leads to the cluster that the stack was created on; return its UID, or None."""
    # The guard's state. The stack's outputs have it as well, except after a failed first update.
    created_on = next((resource["outputs"]["output"] for resource in resources if _GUARDED in resource["urn"]), None)
    if not created_on:
        return None
    found = stack.run(stack.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"), quiet=True)
    if found.strip() != created_on:
        raise CommandError(
            f"stack {stack.name} was made on the cluster {created_on}, and its context now leads to {found.strip()}, "
            f"so nothing was changed: point modelmesh:kubeconfig and modelmesh:context in Pulumi.{stack.name}.yaml at "
            "the cluster that it was made on"
        )
    return str(created_on)


def _provide_kubeconfig(stack: Stack, resources: list[dict[str, Any]]) -> None:
    """Write the kubeconfig of the state if another machine wrote it: a refresh does not run the program first."""
    paths = [each["inputs"].get("kubeconfig") for each in resources if each["type"] == _PROVIDER]
    if all(isinstance(path, str) and Path(path).expanduser().is_file() for path in paths):
        return
    if created_on := _require_own_cluster(stack, resources):
        import components as mm  # noqa: PLC0415  takes a second, and is needed once on each machine

        kubeconfig, context = stack.cluster()
        mm.Cluster(kubeconfig=kubeconfig, context=context).pin(created_on)


def _require_unprotected(stack: Stack, resources: list[dict[str, Any]]) -> None:
    """Check that no resource is protected, since the engine would delete the others before it finds that out."""
    if protected := [resource["urn"] for resource in resources if resource.get("protect")]:
        listed = "".join(f"\n  {urn}" for urn in protected)
        raise CommandError(
            f"stack {stack.name} protects what would be lost for good, so nothing was destroyed:{listed}\n"
            f"to destroy it all the same, set modelmesh:protect: false in Pulumi.{stack.name}.yaml, and run "
            f"make up STACK={stack.name} before make down STACK={stack.name}"
        )


def _write(file: Path | None, result: Preview) -> None:
    if not file:
        return
    try:
        file.write_text(markdown(result), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"the preview can't be written: {error}") from None
    say(f"▸ The preview is in {file}")


def _explain(stack: Stack) -> None:
    """Print what is not well on the cluster after an update that failed."""
    from cli.doctor.command import explain_failure  # noqa: PLC0415  takes a second, and is needed after failures only

    explain_failure(stack)


def _show(stack: Stack, outputs: dict[str, Any]) -> None:
    """Print the outputs and the main objects."""
    width = max(map(len, outputs))
    for name, value in sorted(outputs.items()):
        first, *more = str(value).splitlines() or [""]
        print(f"  {name:<{width}}  {first}{f' … and {len(more)} lines more' if more else ''}")
    namespace = str(outputs["namespace"])
    for kinds in ("servingruntimes,isvc", "pods"):
        _kubectl(stack, "get", kinds, "--namespace", namespace)


def _kubectl(stack: Stack, *arguments: str) -> None:
    print(f"$ kubectl {' '.join(arguments)}", flush=True)
    stack.run(stack.kubectl(*arguments))


def _print_scores(scores: dict[str, str | float]) -> None:
    print(json.dumps(scores))
