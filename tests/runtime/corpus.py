"""A corpus of lines that try every rule of VADER: written by hand, and made of its own words by a seeded generator.

The same lines come in every run. Which rule a line tries is in the name of what makes it.
"""

import random
from collections.abc import Callable
from pathlib import Path

import vaderSentiment.vaderSentiment

package = vaderSentiment.vaderSentiment

SEED = 2014  # the year of VADER's paper
LINES_A_KIND = 250

BY_HAND = """\
The train was late again and nobody told us why.
The train was late again, BUT the driver was a delight!
I can't say that I dislike it.
It isn't bad. It isn't good, either.
Not once did she smile, and yet the evening was never so lovely.
Without doubt the kindest neighbours we ever had :-)
At least the soup was warm; the least helpful waiter brought it.
What a disaster?? What a disaster??? What a disaster????
Nice! Nice!! Nice!!! Nice!!!! Nice!!!!!
Our hotel room was SO quiet, and the view, oh WOW.
The repair cost a fortune, sort of a scam, kind of sad.
Hardly any bugs, barely a crash: almost perfect.
He is the bomb, she is bad ass, and I wait at the bus stop.
Yeah right, as if that would help.
This cake is to die for, the kiss of death for any diet.
They cut the mustard, hand to mouth, under the weather.
lol, that was meh... smh :( but ok :)
No. No problem. No, a problem. No good nor bad.
Neither rude nor friendly; nobody cared, nothing worked, nowhere to hide.
My cat purrs <3 and my dog ;) drools :P
I love 😁 this 💘, hate 😡that💩 and 👍🏽 the rest 🤷
Das ist gut, c'est bien, это хорошо, 良い
e-mail: great@example.com, see http://example.com/awful?x=love
"excellent", 'excellent', (excellent), *excellent*, -excellent-, excellent's
it's a well-made, self-loathing, not-so-good, uh-uh kind of film
GREAT NEWS EVERYONE IS HAPPY
great NEWS everyone is HAPPY
 leading and trailing space, good 	and a tab\u00a0or two
but
But good but bad but good
good, but
only kinda sux today, but i will get by
Despite the storm we rarely felt unsafe and seldom afraid.
I won't ever, ever, ever hate you; you wouldn't understand.
the least awful, the very least awful, at the least awful
never this bad, never so bad, never bad, so never bad
without a doubt horrible, without any fun, doubt without hope
10/10 would recommend, 0 stars, -4.0, 1e9, NaN
?!?! !?!? ... … ¡¡ ¿¿ !!! ???
a
""".splitlines()


def corpus() -> list[str]:
    """All lines."""
    pick = random.Random(SEED)  # noqa: S311  (no secret)
    words = _Words(pick)
    kinds: list[Callable[[], str]] = [
        words.plain, words.boosted, words.negated, words.no, words.least, words.never_so, words.idiom, words.capitals,
        words.punctuated, words.emoji, words.emoticon, words.but, words.kind_of, words.anything, words.glued,
    ]  # fmt: skip
    return BY_HAND + [kind() for kind in kinds for _ in range(LINES_A_KIND)]


class _Words:
    """Makers of one line each."""

    def __init__(self, pick: random.Random) -> None:
        folder = Path(package.__file__).parent
        lexicon = [line.split("\t")[0] for line in (folder / "vader_lexicon.txt").read_text().splitlines() if line]
        emojis = (folder / "emoji_utf8_lexicon.txt").read_text().splitlines()
        self._pick = pick
        self._words = [word for word in lexicon if word.isalpha()]
        self._emoticons = [word for word in lexicon if not word.isalpha()]
        self._emojis = [line.split("\t")[0] for line in emojis if line]
        self._boosters = [*package.BOOSTER_DICT]
        self._idioms = [*package.SPECIAL_CASES, *package.SENTIMENT_LADEN_IDIOMS]
        self._others = [
            "the", "a", "my", "this", "was", "it", "they", "of", "and", "with", "so", "very", "at", "or", "nor",
            "hotel", "room", "book", "day", "doubt",
        ]  # fmt: skip

    def plain(self) -> str:
        return self._mixed(self._some(self._words, 1, 4), self._some(self._others, 1, 6))

    def boosted(self) -> str:
        return self._between(f"{self._one(self._boosters)} {self._filler(0, 2)}{self._one(self._words)}")

    def negated(self) -> str:
        return self._between(f"{self._one(package.NEGATE)} {self._filler(0, 2)}{self._one(self._words)}")

    def no(self) -> str:
        return self._between(f"no {self._filler(0, 2)}{self._one(['', 'or ', 'nor '])}{self._one(self._words)}")

    def least(self) -> str:
        return self._between(f"{self._one(['', 'at ', 'very ', 'the '])}least {self._one(self._words)}")

    def never_so(self) -> str:
        start = self._one(["never so", "never this", "without doubt", "never", "without", "so", "this", "doubt"])
        return self._between(f"{start} {self._filler(0, 1)}{self._one(self._words)}")

    def idiom(self) -> str:
        return self._between(f"{self._one(self._idioms)} {self._filler(0, 1)}{self._one(self._words)}")

    def capitals(self) -> str:
        return self._changed(self.anything(), str.upper)

    def punctuated(self) -> str:
        end = self._one("!?.,;:") * self._pick.randint(1, 6)
        return f"{self.plain()}{end} {self.boosted()}{self._one(['', '!', '??', '?!', '!!!!!!'])}"

    def emoji(self) -> str:
        glue = self._one(["", " ", "  "])
        return self._between(f"{glue}{self._one(self._emojis)}{glue}{self._one(self._words)}{self._one(self._emojis)}")

    def emoticon(self) -> str:
        return self._mixed(self._some(self._emoticons, 1, 3), self._some(self._words, 1, 2))

    def but(self) -> str:
        return f"{self.plain()} {self._one(['but', 'But', 'BUT', ', but'])} {self.anything()}"

    def kind_of(self) -> str:
        return self._between(f"{self._one(['kind of', 'sort of', 'just enough', 'Kind of'])} {self._one(self._words)}")

    def anything(self) -> str:
        sources = (self._words, self._boosters, self._others, package.NEGATE, self._idioms, self._emojis, ["but", "no"])
        weights = (6, 3, 6, 2, 1, 1, 1)
        chosen = self._pick.choices(sources, weights, k=self._pick.randint(1, 30))
        return " ".join(self._one(source) for source in chosen)

    def glued(self) -> str:
        marks = self._some(["-", "'", "...", "/", '"', "(", ")", "\t", "\u00a0", "\u200b", "#", "@"], 2, 2)
        return self._between(f"{marks[0]}{self._one(self._words)}{marks[1]}{self._one(self._words)}")

    def _between(self, middle: str) -> str:
        return f"{self._filler(0, 3)}{middle} {self._filler(0, 3)}".strip()

    def _filler(self, low: int, high: int) -> str:
        return "".join(f"{word} " for word in self._some(self._others, low, high))

    def _mixed(self, *parts: list[str]) -> str:
        words = [word for part in parts for word in part]
        self._pick.shuffle(words)
        return " ".join(words)

    def _changed(self, line: str, change: Callable[[str], str]) -> str:
        return " ".join(change(word) if self._pick.random() < 0.3 else word for word in line.split(" "))

    def _some(self, source: list[str], low: int, high: int) -> list[str]:
        return self._pick.choices(source, k=self._pick.randint(low, high))

    def _one(self, source: list[str] | str) -> str:
        return self._pick.choice(source)
