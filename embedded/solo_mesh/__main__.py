"""`python -m solo_mesh`: settings from the environment, signals, exit code. SIGTERM and SIGINT stop gracefully."""

import asyncio
import logging
import os
import signal
import sys

from .etcd import EtcdError
from .mesh import Mesh
from .runtime import RuntimeFailedError
from .settings import Settings, SettingsError, load


async def serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await Mesh(settings).run(stop)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    try:
        asyncio.run(serve(load(os.environ)))
    except (SettingsError, EtcdError, RuntimeFailedError) as error:
        logging.error("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
