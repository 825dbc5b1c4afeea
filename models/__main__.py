"""Makes the example model: `python -m models` writes it to `.build/models/sentiment/`.

A model is data only. This one is the general-purpose VADER lexicon: 7,500 words, slang words and emoticons with their
valence (-4 to 4), and English descriptions of 3,570 emoji. Both come from the installed vaderSentiment package (MIT),
so the pinned requirement decides the content, and the licence goes with it. The same package always gives the same
files, and so the same digest.

A model of your own is a directory like this one: copy it, edit the lines of `vader_lexicon.txt`
(`token<TAB>score`), leave the emoji file out if you like, and point the stack at it.
"""

import argparse
import hashlib
import shutil
from importlib.metadata import distribution
from pathlib import Path

TARGET = Path(".build/models/sentiment")
# File of the package → file of the model.
FILES = {
    "vaderSentiment/vader_lexicon.txt": "vader_lexicon.txt",
    "vaderSentiment/emoji_utf8_lexicon.txt": "emoji_utf8_lexicon.txt",
    "LICENSE.txt": "LICENSE.txt",
}


def make(target: Path) -> list[Path]:
    """Write the model's files into `target`, which then holds nothing else, and return them in order."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    written = []
    for source, name in FILES.items():
        path = target / name
        path.write_bytes(_packaged(source).read_bytes())
        path.chmod(0o644)
        written.append(path)
    return sorted(written)


def digest(files: list[Path]) -> str:
    """SHA-256 over names and contents of the files, as hexadecimal."""
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _packaged(name: str) -> Path:
    package = distribution("vaderSentiment")
    # The licence lies in the package's metadata folder, whose name holds the version.
    for path in package.files or []:
        if path.as_posix() == name or (path.name == name and path.parent.name.endswith(".dist-info")):
            return Path(str(path.locate()))
    raise FileNotFoundError(f"vaderSentiment {package.version} has no {name}: install the pinned requirements again")


def main() -> None:
    """Make the model and say what it is."""
    parser = argparse.ArgumentParser(prog="python -m models", description="Write the example model.")
    parser.add_argument("--to", type=Path, default=TARGET, metavar="DIR", help="default: %(default)s")
    files = make(parser.parse_args().to)
    for path in files:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{sum(path.stat().st_size for path in files):,} bytes, sha256:{digest(files)}")


if __name__ == "__main__":
    main()
