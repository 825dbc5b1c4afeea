"""Entry point of the image: `python -m modelmesh_runtime <folder of models>`.

Does the same as `mlserver start`, but does not import MLServer's client tools, which the image leaves out, and does not
put the folder of models on Python's search path. Unless the environment says otherwise, models are found and logged as
in this package, and the class of all models is the one that model-settings.json in the working directory names.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path

# As process 1 it would not hear a signal that nothing handles, and what follows takes a second. No exception, which an
# import could take for its own.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from mlserver.repository import ModelRepositoryFactory  # noqa: E402
from mlserver.server import MLServer  # noqa: E402
from mlserver.settings import Settings  # noqa: E402
from mlserver.utils import install_uvloop_event_loop  # noqa: E402

from .implementation import ENV, implementation  # noqa: E402

DEFAULTS = {
    "MLSERVER_MODEL_REPOSITORY_IMPLEMENTATION": "modelmesh_runtime.repository.AdaptedModelRepository",
    "MLSERVER_LOGGING_SETTINGS": str(Path(__file__).with_name("logging.json")),
}
"""Variables of MLServer that are set if the environment does not have them."""


async def serve(folder: str) -> None:
    """Serve until a signal arrives; requests in progress are finished.

    Args:
        folder: Folder of the models; all other settings come from the environment.
    """
    settings = Settings(model_repository_root=folder)
    models = []
    if settings.load_models_at_startup:
        models = await ModelRepositoryFactory.resolve_model_repository(settings).list()
    await MLServer(settings).start(models)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m modelmesh_runtime", description="Serve models over the V2 protocol."
    )
    parser.add_argument("folder", help="folder of the models")
    folder = parser.parse_args().folder
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ[ENV] = implementation()
    install_uvloop_event_loop()  # type: ignore[no-untyped-call]
    asyncio.run(serve(folder))


if __name__ == "__main__":
    main()
