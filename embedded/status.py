"""Status report: a table of the instance's processes and the node's condition."""

import time

from embedded import identities, lifecycle, node
from embedded.instance import Instance


def report(which: Instance) -> bool:
    """Print a table of the processes; return whether everything runs and the node is Ready. Changes nothing."""
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"node {which.full_name}: {'Ready' if ready else f'not Ready: {reason}'}")
    return complete and ready
