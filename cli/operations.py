"""The everyday operations on a stack, each a function of its command line's arguments."""

import json
import time
from argparse import Namespace

from cli.predict import predict as score
from cli.stack import ROOT, Stack, is_embedded, open_stack
from embedded import lifecycle
from embedded.instance import instance
from embedded.progress import say, step
from models import __main__ as example

EXAMPLE = "What a wonderful day, I love it!"


def up(arguments: Namespace) -> None:
    """From nothing to a scored sentence: cluster if it is ours to make, stack, one request."""
    started = time.monotonic()
    if is_embedded(arguments.stack):
        say("▸ The embedded cluster")
        lifecycle.up(instance("dev"))
    clustered = time.monotonic()
    say(f"▸ The stack {arguments.stack}")
    stack = _prepared(arguments.stack)
    # The embedded cluster is ours alone; for anybody's else the preview is shown and a yes is asked for.
    stack.pulumi("up", *(("--yes", "--skip-preview") if stack.embedded else ()))
    deployed = time.monotonic()
    say("▸ What is there now")
    _show(stack)
    say(f"▸ One sentence through ModelMesh: {EXAMPLE}")
    _print_scores(score(stack, EXAMPLE))
    ended = time.monotonic()
    say(
        f"▸ {ended - started:.0f} s in all: cluster {clustered - started:.0f} s, stack {deployed - clustered:.0f} s, "
        f"first answer {ended - deployed:.0f} s"
    )
    if note := stack.outputs().get("meshNote"):
        say(f"  {note}; README, Solo mesh, tells how to use the real one")


def preview(arguments: Namespace) -> None:
    """What `up` would change."""
    _prepared(arguments.stack).pulumi("preview", "--diff")


def predict(arguments: Namespace) -> None:
    """Scores of one sentence."""
    _print_scores(score(open_stack(arguments.stack), arguments.text))


def status(arguments: Namespace) -> None:
    """Outputs, runtimes, services, pods with their images, and the versions of cluster and engine."""
    stack = open_stack(arguments.stack)
    if not stack.outputs():
        say(f"stack {stack.name} is not up: make up STACK={stack.name}")
        return
    namespace = _show(stack)
    containers = "NAME:.metadata.name,CONTAINERS:.spec.containers[*].name,IMAGES:.spec.containers[*].image"
    _kubectl(stack, "get", "pods", "--namespace", namespace, "--output", f"custom-columns={containers}")
    _kubectl(stack, "version")
    print("Pulumi", stack.run(["pulumi", "version"], quiet=True).strip())


def down(arguments: Namespace) -> None:
    """Destroy the stack and nothing else."""
    stack = open_stack(arguments.stack)
    stack.pulumi("destroy", *(("--yes", "--skip-preview") if stack.embedded else ()))


def clean(_: Namespace) -> None:
    """Stop the embedded cluster and delete its data, the stack with it."""
    lifecycle.reset(instance("dev"))


def _prepared(name: str) -> Stack:
    """The stack, with the example's model made: its digest is part of every preview."""
    with step("the example's model"):
        example.make(ROOT / example.TARGET)
    return open_stack(name)


def _show(stack: Stack) -> str:
    """Print the outputs and the objects that matter; returns the namespace they are in."""
    outputs = stack.outputs()
    width = max(map(len, outputs))
    for name, value in sorted(outputs.items()):
        print(f"  {name:<{width}}  {value}")
    namespace = str(outputs["namespace"])
    for kinds in ("servingruntimes,isvc", "pods"):
        _kubectl(stack, "get", kinds, "--namespace", namespace)
    return namespace


def _kubectl(stack: Stack, *arguments: str) -> None:
    print(f"$ kubectl {' '.join(arguments)}", flush=True)
    stack.run(stack.kubectl(*arguments))


def _print_scores(scores: dict[str, str | float]) -> None:
    print(json.dumps(scores))
