"""VADER's rules with a lexicon in memory: the vaderSentiment package's scores, in linear time.

The package's rules (negation, intensifiers, capitals, punctuation, "but") scan the whole text for each of its words: a
text of 1 MB takes most of an hour, so that one request could block a server. Here each rule only gets the few words
that it depends on.
"""

import heapq
from collections import defaultdict
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from vader_lexicon import VaderLexicon

_package: Any = SentimentIntensityAnalyzer  # has no types


class LexiconAnalyzer(SentimentIntensityAnalyzer):
    """The package's analyzer with a lexicon in memory; its constructor reads files, and less strictly."""

    def __init__(self, lexicon: VaderLexicon) -> None:
        self.lexicon = lexicon.scores
        self.emojis = lexicon.emojis
        # The package looks emojis up by character, so it never finds those of several characters.
        self._found_emojis = frozenset(emoji for emoji in lexicon.emojis if len(emoji) == 1)

    def scores(self, text: str) -> dict[str, float]:
        """Same result as the package's `polarity_scores`: compound, pos, neu and neg."""
        # The package replaces emojis in a Python loop over all characters; a text without any skips it as a single one.
        whole = self._found_emojis.isdisjoint(text) and text not in self.emojis
        scores: dict[str, float] = _package.polarity_scores(self, (text,) if whole else text)
        return scores

    @staticmethod
    def _negation_check(valence: float, words: list[str], start_i: int, i: int) -> float:
        """Rule of one to three words before the i-th, which are the only words it needs."""
        before = start_i + 1
        result: float = _package._negation_check(valence, words[i - before : i], start_i, before)
        return result

    @staticmethod
    def _special_idioms_check(valence: float, words: list[str], i: int) -> float:
        """Rule of three words before the i-th, which always exist, to two after it."""
        result: float = _package._special_idioms_check(valence, words[i - 3 : i + 3], 3)
        return result

    @staticmethod
    def _but_check(words: list[str], valences: list[float]) -> list[float]:
        """Halve the valences before the first "but", and increase those after it by half.

        The package does so for each valence in turn, but at the *first index that holds an equal value* at that time,
        which may be one that it has changed before. Here that index is looked up instead of searched for.
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
