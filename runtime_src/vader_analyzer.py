"""VADER's rules over a lexicon in memory: the vaderSentiment package's own scores, in time that grows with the text.

It owns the way to the package's rules, not the rules (negation, intensifiers, capitals, punctuation, "but"). As they
come, they look at the whole text once more for each of its words: a text of 1 MB takes the better part of an hour, so
one request could stop a server. Here each rule is handed the few words that it looks at.
"""

import heapq
from collections import defaultdict
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from vader_lexicon import VaderLexicon

_package: Any = SentimentIntensityAnalyzer  # which has no types


class LexiconAnalyzer(SentimentIntensityAnalyzer):
    """The package's analyzer over a lexicon in memory; its own constructor reads files, and less strictly."""

    def __init__(self, lexicon: VaderLexicon) -> None:
        self.lexicon = lexicon.scores
        self.emojis = lexicon.emojis
        # The package looks emojis up by character, so those of several characters are never found.
        self._found_emojis = frozenset(emoji for emoji in lexicon.emojis if len(emoji) == 1)

    def scores(self, text: str) -> dict[str, float]:
        """Return what the package's `polarity_scores` returns: compound, pos, neu and neg."""
        # Emojis are replaced in a Python loop over "the characters of the text". Without any, the text may be just one.
        whole = self._found_emojis.isdisjoint(text) and text not in self.emojis
        scores: dict[str, float] = _package.polarity_scores(self, (text,) if whole else text)
        return scores

    @staticmethod
    def _negation_check(valence: float, words: list[str], start_i: int, i: int) -> float:
        """The rule of one to three words before the i-th, which are all that it looks at."""
        before = start_i + 1
        result: float = _package._negation_check(valence, words[i - before : i], start_i, before)
        return result

    @staticmethod
    def _special_idioms_check(valence: float, words: list[str], i: int) -> float:
        """The rule of three words before the i-th, which there always are, to two after it."""
        result: float = _package._special_idioms_check(valence, words[i - 3 : i + 3], 3)
        return result

    @staticmethod
    def _but_check(words: list[str], valences: list[float]) -> list[float]:
        """Halve what comes before the first "but", and raise what comes after it by half.

        The package does so for each valence in turn, but at the *first place that holds an equal one* at that time,
        which may be a place that it has changed already. Here that place is looked up, and not searched for.
        """
        lower = [word.lower() for word in words]
        if "but" not in lower:
            return valences
        but = lower.index("but")
        places: dict[float, list[int]] = defaultdict(list)
        for place, valence in enumerate(valences):
            places[valence].append(place)
        for valence in valences:
            if (place := places[valence][0]) != but:
                heapq.heappop(places[valence])
                valences[place] = valence * (0.5 if place < but else 1.5)
                heapq.heappush(places[valences[place]], place)
        return valences
