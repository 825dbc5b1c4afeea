"""Texts and models of the benchmarks, which are the same for every server and every run."""

from pathlib import Path

from models.sentiment import make

_OPENINGS = (
    "The room was clean and quiet",
    "We waited an hour for a table",
    "Nobody answered when I called",
    "This phone is GREAT",
    "My order came two days early",
    "I did not like the second half",
    "The staff were kind and very patient",
    "It rained all week",
    "The update broke half of my settings",
    "What a wonderful little shop",
    "The manual is 300 pages long",
    "They promised a refund",
    "Honestly, the worst seat in the house",
    "The battery lasts two days",
    "Delivery was free",
    "I have been here before",
)
_ENDINGS = (
    ", and I would come again.",
    ", but the price is a joke!",
    " :) thanks to everybody",
    ". Not bad at all.",
    ", which made my day 😁",
    " and nobody seemed to care.",
    "; my brother hates it, I love it.",
    ", as the photos had shown.",
    "!!! Never again.",
    ", so we left at nine.",
    ", hardly a surprise.",
    ". The view makes up for it.",
    " - sadly the food was cold",
    ", though it was extremely loud.",
    ", and the train was on time.",
    ". Best decision of the year!",
)
TEXTS = tuple(opening + ending for ending in _ENDINGS for opening in _OPENINGS)
"""Short texts in the style of reviews, 256 in number."""

EXAMPLE = "sentiment-analyzer"
WORDS_OF_A_SMALL_MODEL = 100


def example(folder: Path) -> Path:
    """Write the example model below `folder`; return its directory."""
    make(folder / EXAMPLE)
    return folder / EXAMPLE


def small_model(folder: Path, number: int) -> Path:
    """Write a model of 100 unique words below `folder`; return its directory."""
    directory = folder / f"small-{number}"
    directory.mkdir()
    lines = (f"word{number}x{word}\t{word % 9 - 4}.0\n" for word in range(WORDS_OF_A_SMALL_MODEL))
    (directory / "vader_lexicon.txt").write_text("".join(lines))
    # The reader of the package, which the template uses, requires at least one.
    (directory / "emoji_utf8_lexicon.txt").write_text("😁\tbeaming face with smiling eyes\n")
    return directory
