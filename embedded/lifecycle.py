"""The order in which an instance is started and stopped."""

import os
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any

from embedded import (
    base_image,
    builder,
    cgroups,
    debian,
    files,
    handover,
    identities,
    images,
    mesh,
    network,
    node,
    prerequisites,
    registry,
    sandbox,
    toolchain,
)
from embedded.errors import EmbeddedError
from embedded.instance import NAMES, Instance, instance
from embedded.parts import Parts
from embedded.processes import Processes
from embedded.toolchain import Toolchain
from project import marked_folder
from project.progress import say, step

# Names of all processes, in the order of starting.
PROCESSES = (sandbox.NAME, registry.NAME, builder.NAME, *node.NAMES)


def records(which: Instance) -> Processes:
    """The instance's processes, to inspect or to stop."""
    return Processes(which.sockets, which.logs)


def up(which: Instance, wanted_mesh: str = "auto", image_registry: str = "") -> str:
    """Start the node, build its images and write its handover; processes that are up to date keep running.

    The result says which mesh the node has, and why.

    Args:
        which: The node.
        wanted_mesh: One of `mesh.WANTED`.
        image_registry: Container registry to ask for ModelMesh's images, in place of Docker Hub.
    """
    start = time.monotonic()
    facts = _check(which)
    found = mesh.find(which, wanted_mesh, image_registry, running=records(which).running(sandbox.NAME) is not None)
    with _locked(which), ThreadPoolExecutor(4) as pool:
        _prepare(which, facts)
        # Only needs apt's mirror, so it overlaps with everything that precedes the images.
        root_file_system = pool.submit(base_image.archive, which.cache, which.logs / "debootstrap.log")
        tools = toolchain.ensure()
        processes, enter, build_enter = _sandbox(which, tools)
        registry_process = registry.process(which, enter)
        build_process = builder.process(which, tools.bin, build_enter)
        pending = [(p, processes.start(p)) for p in (registry_process, build_process)]

        pause = images.pause(tools.bin)
        parts = Parts(
            instance=which, ids=identities.ensure(which), bin=tools.bin, enter=enter,
            pause_image=f"{which.registry}/{pause.name}:{pause.key()}",
        )  # fmt: skip

        def build() -> images.Images:
            for process, record in pending:
                processes.wait(process, record)
            image_builder = images.Builder(which, tools.bin / "buildctl")
            image_builder.reference(pause)
            return image_builder.all(tools.bin, tools.modelmesh_serving, root_file_system.result())

        def copy() -> mesh.Mesh:
            processes.wait(*pending[0])  # the registry
            return mesh.copy(which, found, wanted_mesh)

        built, started, copied = pool.submit(build), pool.submit(node.up, parts, processes), pool.submit(copy)
        _wait_for_all(built, started, copied)
        with step("volumes for claims"):  # after the images, since the provisioner needs one
            processes.run(parts.local_path_provisioner(built.result().base))
        handover.write(
            which, built.result(), copied.result().references(which),
            bin_folder=tools.bin, pulumi_home=tools.pulumi_home,
        )  # fmt: skip
    say(f"the node {which.name} is up ({time.monotonic() - start:.1f} s); kubeconfig: {which.kubeconfig}")
    return f"mesh: {copied.result().note}"


def down(which: Instance) -> None:
    """Stop everything that belongs to the instance and undo its changes to the machine; its data stays. Idempotent."""
    _require_root("down")
    with _locked(which), step(f"stopping the node {which.name}"):
        _stop(which)


def reset(which: Instance) -> None:
    """Run `down`, then delete the instance's data folder; builds stay in the cache."""
    _require_root("reset")
    say(f"deleting {which.data}: cluster data, keys, stack state and logs of the node {which.name}")
    with _locked(which), step(f"stopping the node {which.name} and deleting its data"):
        _stop(which)
        marked_folder.delete(which.data)


def _check(which: Instance) -> prerequisites.Facts:
    found = prerequisites.facts(which)
    if problems := prerequisites.problems(which, found):
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise EmbeddedError(f"the node {which.name} can't be started here, and nothing was changed:{lines}")
    return found


def _prepare(which: Instance, found: prerequisites.Facts) -> None:
    if not cgroups.exists(which):
        lines = "".join(f"\n  - {line}" for line in prerequisites.plan(which, found))
        say(f"the node {which.name} changes on this machine (`down` reverts all but packages and files):{lines}")
    if found.missing_packages:
        debian.install(found.missing_packages, which.logs / "apt.log")
    network.load_modules(found.missing_modules)


def _sandbox(which: Instance, tools: Toolchain) -> tuple[Processes, tuple[str, ...], tuple[str, ...]]:
    """The namespaces, and the two command prefixes to enter them: with the node's network and with the host's."""
    if cgroups.exists(which) and not records(which).running(sandbox.NAME):
        # Mounts are lost with the last process, so pods and all other processes have to be restarted.
        with step("stopping processes left by a crash"):
            _stop(which)
    with step("namespaces and control group"):
        groups = cgroups.create(which)
        network.ensure(which)
        processes = Processes(which.sockets, which.logs, groups)
        holder = processes.running(sandbox.NAME)
        if holder is None:
            sandbox.prepare(which)
            holder = processes.run(sandbox.process(which, tools.bin / "pause"))
    return processes, sandbox.enter(which, holder), sandbox.enter(which, holder, network=False)


def _wait_for_all(*futures: Future[Any]) -> None:
    """Wait for all futures; report the first failure at once, since the others finish for the next attempt."""
    done, running = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        if (error := future.exception()) and running:
            say(f"  failed, waiting for the other steps to end: {str(error).splitlines()[0]}")
        future.result()


def _stop(which: Instance) -> None:
    processes = records(which)
    processes.stop(["kubelet"])  # otherwise it would restart the pods
    cgroups.end(which, "kubepods")
    last = ["etcd", sandbox.NAME]
    processes.stop([name for name in PROCESSES if name not in last])
    processes.stop(last)
    cgroups.end(which)  # shims, builds, and processes without a record
    cgroups.remove(which)
    network.remove(which)
    if not any(cgroups.exists(instance(name)) for name in NAMES):
        sandbox.remove_mount_points(which)


def _require_root(command: str) -> None:
    if os.geteuid() != 0:
        raise EmbeddedError(f"root is needed for `{command}`: run the same command with sudo")


def _locked(which: Instance) -> AbstractContextManager[None]:
    """Allow one command at a time on an instance."""
    marked_folder.claim(which.data, ours=which.was_up, mode=0o700)
    return files.locked(
        which.root / f"{which.name}.lock", lambda: say(f"waiting for another command on the node {which.name} to end")
    )
