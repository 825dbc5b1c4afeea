"""Status report: a table of the instance's processes and the node's condition."""

import time
from collections.abc import Sequence

from embedded import identities, lifecycle, node
from embedded.instance import Instance


def report(which: Instance) -> tuple[str, bool]:
    """Table of the processes as text, and whether everything runs and the node is Ready. Changes nothing."""
    processes = lifecycle.records(which)
    rows = [("PROCESS", "STATE", "PID", "SINCE", "LOG")]
    complete = True
    for name in lifecycle.PROCESSES:
        record = processes.running(name)
        complete = complete and record is not None
        log = which.logs / f"{name}.log"
        rows.append((
            name, "running" if record else "stopped", str(record.pid) if record else "-",
            time.strftime("%F %T", time.localtime(record.since)) if record else "-",
            str(log) if log.exists() else "-",
        ))  # fmt: skip
    ready, reason = False, "the kubelet is not running"
    if processes.running("kubelet"):
        ready, reason = node.readiness(which, identities.ensure(which), processes)
    summary = f"node {which.full_name}: {'Ready' if ready else f'not Ready: {reason}'}"
    return f"{_table(rows)}\n{summary}", complete and ready


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
