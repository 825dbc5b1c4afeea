"""Command `python -m models`, which writes the example model to `.build/models/sentiment/`."""

import argparse
import sys
from pathlib import Path

from models.sentiment import FORMAT, TARGET, digest, provide
from runtime_src.modelmesh_runtime.manifest import Manifest, write_manifest


def main() -> None:
    """Write the example model, or the manifest of another one, and print the files with their digest."""
    parser = argparse.ArgumentParser(prog="python -m models", description="Write the example model.")
    parser.add_argument("--to", type=Path, default=TARGET, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--manifest", type=Path, metavar="DIR", help="write the manifest of a custom model instead")
    parser.add_argument("--version", default="1", help="version of the custom model, default: %(default)s")
    arguments = parser.parse_args()
    if folder := arguments.manifest:
        print(write_manifest(folder, FORMAT, Manifest(name=folder.resolve().name, version=arguments.version)))
        return
    if not provide(arguments.to):
        sys.exit(f"✗ {arguments.to} holds other files than the example model: delete it, or name another folder")
    files = sorted(arguments.to.iterdir())
    for path in files:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{sum(path.stat().st_size for path in files):,} bytes, sha256:{digest(files)}")


if __name__ == "__main__":
    main()
