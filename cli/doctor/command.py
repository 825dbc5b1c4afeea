"""The command `doctor`: it reads the stack's state and its cluster, prints a report, and changes neither."""

import datetime
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator

import yaml
from kubernetes.config import ConfigException

from cli.doctor.api import Api, DeniedError
from cli.doctor.certificates import certificates
from cli.doctor.commands import Commands
from cli.doctor.document import document
from cli.doctor.drift import drift
from cli.doctor.findings import Line, Report, Section, Severity
from cli.doctor.masking import Mask
from cli.doctor.observation import Observation
from cli.doctor.page import found, page
from cli.doctor.parts import controller, publishers, stores
from cli.doctor.reading import observe
from cli.doctor.runtimes import runtimes
from cli.doctor.services import services
from cli.doctor.state import applied, outputs
from cli.errors import CommandError
from cli.stack import Stack, open_stack
from components import Cluster
from project.errors import UserError
from project.progress import say

EXIT_CODES = {Severity.WELL: 0, Severity.WARNING: 3, Severity.ERROR: 4}
"""Exit codes; 1 means that the cluster or the state could not be read."""
_SECTIONS: tuple[Callable[[Observation, Commands], Section], ...] = (
    stores, controller, publishers, runtimes, services, certificates, drift,
)  # fmt: skip
"""The sections in causal order: a store that is gone explains models that cannot be loaded."""


def now() -> datetime.datetime:
    """Return the time of the report."""
    return datetime.datetime.now(datetime.UTC)


def doctor(arguments: Namespace) -> None:
    """Print the report of a stack, and exit with a code for its worst finding."""
    report = examine(open_stack(arguments.stack, arguments.instance))
    print(document(report) if arguments.output == "json" else page(report))
    if code := EXIT_CODES[report.severity]:
        sys.exit(code)


def explain_failure(stack: Stack) -> None:
    """Print the errors among the findings after an update that failed, unless the cluster can't be read either.

    It raises nothing, since the caller is about to raise the error of the update.
    """
    try:
        errors = [each for each in examine(stack).findings() if each.severity == Severity.ERROR]
        if errors:
            say("\n".join([f"▸ What is not well on the cluster of stack {stack.name}", *found(errors)]).rstrip())
    except UserError:
        return  # the update has said why
    except Exception as defect:  # noqa: BLE001  whatever it is, the error of the update matters more
        say(f"▸ The cluster was not examined ({type(defect).__name__}): make doctor STACK={stack.name} shows why")


def examine(stack: Stack) -> Report:
    """Read and judge everything.

    Raises:
        CommandError: The stack is not up, or its state or its cluster can't be read.
    """
    resources = stack.resources()
    objects = tuple(applied(resources))
    if not objects:
        raise CommandError(f"stack {stack.name} is not up: make up STACK={stack.name}")
    kubeconfig, context = stack.cluster()
    cluster = Cluster(kubeconfig=kubeconfig, context=context)
    commands = Commands(stack=stack.name, cluster=cluster)
    api = _api(cluster, commands)
    kubernetes = _version(api)
    observation = observe(api, objects, now())
    engine = stack.run(["pulumi", "version"], quiet=True).strip()
    report = Report(
        stack=stack.name,
        versions=f"Kubernetes {kubernetes}, Pulumi {engine}",
        outputs=outputs(resources),
        sections=(*(section(observation, commands) for section in _SECTIONS), *_denied(observation)),
    )
    return Mask(observation.secrets.values())(report)


def _api(cluster: Cluster, commands: Commands) -> Api:
    try:
        return Api(cluster.api_client(retries=False))
    except (ConfigException, yaml.YAMLError, OSError):  # their messages can quote the file with its credentials
        raise CommandError(
            f"kubeconfig {cluster.file} can't be read or has no complete context {cluster.context}: "
            f"correct modelmesh:kubeconfig or modelmesh:context in {commands.file}"
        ) from None


def _version(api: Api) -> str:
    try:
        return str((api.get("/version") or {}).get("gitVersion", "unknown"))
    except DeniedError:
        return "unknown"


def _denied(observation: Observation) -> Iterator[Section]:
    if observation.denied:
        lines = tuple(Line(name=each, text="this account has no right to read it") for each in observation.denied)
        yield Section(title="Not examined", lines=lines)
