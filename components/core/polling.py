"""The loop of every wait for the cluster: look, report what is still missing, look again, give up after a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def poll(
    look: Callable[[], Awaitable[str]],
    *,
    timeout_seconds: float,
    interval_seconds: float = 0.5,
    report: Callable[[str], None],
    expired: Callable[[str], Exception],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Returns once nothing is missing any more.

    Args:
        look: returns what is still missing, or an empty text. An error that it raises ends the wait, except a
            ConnectionError: the API server may be restarting.
        report: called with what is missing, whenever that has changed.
        expired: makes the error that is raised after the timeout, from what is still missing then.
        clock: returns seconds; tests replace it together with `sleep`.
        sleep: waits between two looks.
    """
    deadline, reported = clock() + timeout_seconds, ""
    while True:
        try:
            missing = await look()
        except ConnectionError as error:
            missing = f"no answer from the API server, trying again: {error}"
        if not missing:
            return
        if clock() >= deadline:
            raise expired(missing)
        if missing != reported:
            reported = missing
            report(missing)
        await sleep(interval_seconds)
