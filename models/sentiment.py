"""The example model: files of the general-purpose VADER lexicon.

A model is data only: 7,500 words, slang words and emoticons with their valence (-4 to 4), and English descriptions of
3,570 emoji. Both come from the installed vaderSentiment package (MIT), so the pinned requirement determines the content
and its digest. The licence is included.

A custom model is a directory like this one: copy it, edit the lines of `vader_lexicon.txt` (`token<TAB>score`), omit
the emoji file if it is not needed, and configure it in the stack. If there is a `manifest.json`, the server rejects
files that it does not list; `python -m models --manifest DIR --version 2` rewrites it.
"""

import filecmp
import hashlib
import shutil
from importlib.metadata import distribution, version
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime_src.modelmesh_runtime.manifest import Manifest, write_manifest

TARGET = Path(".build/models/sentiment")
PACKAGE = "vaderSentiment"
FILES = {
    "vaderSentiment/vader_lexicon.txt": "vader_lexicon.txt",
    "vaderSentiment/emoji_utf8_lexicon.txt": "emoji_utf8_lexicon.txt",
    "LICENSE.txt": "LICENSE.txt",
}
"""File of the package → file of the model."""
FORMAT = "vader-lexicon"
"""Format in the sentiment model's manifest."""


def make(target: Path) -> list[Path]:
    """Make `target` hold the model's files and nothing else, and return them in order.

    Unchanged files are kept and others are replaced atomically, so that programs that read or make the model at the
    same time never miss a file.
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


def provide(target: Path) -> bool:
    """Make `target` hold the model, unless its files were edited; return whether they are unedited.

    A file beside it has the digest of what was made, which tells edits from a model of an earlier version.
    """
    record = target.with_name(f"{target.name}.sha256")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=target.parent) as folder:
        made = Path(folder, target.name)
        current = digest(make(made))
        if not target.exists() or not any(target.iterdir()):
            made.rename(target)
    found = digest([path for path in target.rglob("*") if path.is_file()])
    if found != current and not (record.exists() and record.read_text(encoding="utf-8") == found):
        return False
    make(target)
    record.write_text(current, encoding="utf-8")
    return True


def digest(files: list[Path]) -> str:
    """Hexadecimal SHA-256 over names and contents of the files."""
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _packaged(name: str) -> Path:
    package = distribution(PACKAGE)
    # The licence is in the package's metadata folder, whose name contains the version.
    for path in package.files or []:
        if path.as_posix() == name or (path.name == name and path.parent.name.endswith(".dist-info")):
            return Path(str(path.locate()))
    raise FileNotFoundError(f"{PACKAGE} {package.version} has no {name}: reinstall the pinned requirements")
