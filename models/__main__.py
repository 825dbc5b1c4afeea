"""Makes the example model: `python -m models` writes it to `.build/models/sentiment/`.

A model is data only. This one is the general-purpose VADER lexicon: 7,500 words, slang words and emoticons with their
valence (-4 to 4), and English descriptions of 3,570 emoji. Both come from the installed vaderSentiment package (MIT),
so the pinned requirement decides the content, and the licence goes with it. The same package always gives the same
files, and so the same digest.

A model of your own is a directory like this one: copy it, edit the lines of `vader_lexicon.txt`
(`token<TAB>score`), leave the emoji file out if you like, and point the stack at it. Its `manifest.json` says which
files belong to it, and the server refuses others: `python -m models --manifest DIR --version 2` writes it anew. A
directory without one is served as it is.
"""

import argparse
import filecmp
import hashlib
import shutil
from importlib.metadata import distribution, version
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime_src.model_manifest import Manifest, write_manifest

TARGET = Path(".build/models/sentiment")
PACKAGE = "vaderSentiment"
# File of the package → file of the model.
FILES = {
    "vaderSentiment/vader_lexicon.txt": "vader_lexicon.txt",
    "vaderSentiment/emoji_utf8_lexicon.txt": "emoji_utf8_lexicon.txt",
    "LICENSE.txt": "LICENSE.txt",
}
# What the sentiment model's manifest says that it is.
FORMAT = "vader-lexicon"


def make(target: Path) -> list[Path]:
    """Make `target` hold the model's files and nothing else, and return them in order.

    A file that is there already stays as it is, and another one is replaced as a whole, so programs that read the model
    meanwhile, or make it too, never miss a file.
    """
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=target.parent) as folder:
        made = Path(folder)
        for source, name in FILES.items():
            (made / name).write_bytes(_packaged(source).read_bytes())
        write_manifest(made, FORMAT, Manifest(name=PACKAGE, version=version(PACKAGE)))
        written = sorted(target / path.name for path in made.iterdir())
        for path in written:
            (made / path.name).chmod(0o644)
            if not (path.is_file() and filecmp.cmp(made / path.name, path, shallow=False)):
                (made / path.name).replace(path)
    for stray in set(target.iterdir()) - set(written):
        if stray.is_dir() and not stray.is_symlink():
            shutil.rmtree(stray, ignore_errors=True)
        else:
            stray.unlink(missing_ok=True)
    return written


def digest(files: list[Path]) -> str:
    """SHA-256 over names and contents of the files, as hexadecimal."""
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _packaged(name: str) -> Path:
    package = distribution(PACKAGE)
    # The licence lies in the package's metadata folder, whose name holds the version.
    for path in package.files or []:
        if path.as_posix() == name or (path.name == name and path.parent.name.endswith(".dist-info")):
            return Path(str(path.locate()))
    raise FileNotFoundError(f"{PACKAGE} {package.version} has no {name}: install the pinned requirements again")


def main() -> None:
    """Make the model, or the manifest of one, and say what it is."""
    parser = argparse.ArgumentParser(prog="python -m models", description="Write the example model.")
    parser.add_argument("--to", type=Path, default=TARGET, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--manifest", type=Path, metavar="DIR", help="write the manifest of your own model instead")
    parser.add_argument("--version", default="1", help="of your own model, default: %(default)s")
    arguments = parser.parse_args()
    if folder := arguments.manifest:
        print(write_manifest(folder, FORMAT, Manifest(name=folder.resolve().name, version=arguments.version)))
        return
    files = make(arguments.to)
    for path in files:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{sum(path.stat().st_size for path in files):,} bytes, sha256:{digest(files)}")


if __name__ == "__main__":
    main()
