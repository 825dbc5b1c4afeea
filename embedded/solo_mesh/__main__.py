"""Entry point of `python -m solo_mesh`; SIGTERM and SIGINT stop it gracefully."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

from .etcd import EtcdError
from .mesh import Mesh
from .runtime import RuntimeFailedError
from .settings import Settings, SettingsError, load


async def serve(settings: Settings) -> None:
    """Run until a signal arrives; stops gracefully when serving, immediately when still starting."""
    mesh, stop = Mesh(settings), asyncio.Event()
    serving = asyncio.ensure_future(mesh.run(stop))

    def end() -> None:
        if mesh.ready or stop.is_set():
            stop.set()
        else:
            serving.cancel()

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, end)
    with suppress(asyncio.CancelledError):
        await serving


def main() -> int:
    """Run the server and return the exit code of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    try:
        asyncio.run(serve(load(os.environ)))
    except (SettingsError, EtcdError, RuntimeFailedError) as error:
        logging.error("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
