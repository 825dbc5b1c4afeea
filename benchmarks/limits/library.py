"""Upper limit for comparison: the library alone, called in a loop.

Run in the model server's environment: `python library.py <folder of the model> <texts, a JSON list> <seconds>`. Scores
all texts repeatedly and prints the texts per second.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def texts_per_second(model: Path, texts: list[str], seconds: float) -> float:
    """Measure for about this number of seconds."""
    analyzer = SentimentIntensityAnalyzer(str(model / "vader_lexicon.txt"), str(model / "emoji_utf8_lexicon.txt"))
    done, started = 0, perf_counter()
    while perf_counter() - started < seconds:
        for text in texts:
            analyzer.polarity_scores(text)
        done += len(texts)
    return done / (perf_counter() - started)


if __name__ == "__main__":
    print(texts_per_second(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), float(sys.argv[3])))
