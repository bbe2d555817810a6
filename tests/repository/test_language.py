"""The words of code, messages, documents and test names: those of AWS's and Kubernetes' own documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

EXEMPT = ("tests/repository/test_language.py",)
"""This file itself, which lists the words."""

BANNED = {
    "abandon": "garbage_collect",
    "anew": "again",
    "as far as": "what, or: up to",
    "beside": "alongside, with",
    "by hand": "out of band",
    "calm": "drained",
    "companions?": "supporting resources",
    "complaints?": "violation",
    "demolition": "deletion scope",
    "doubted": "unconfirmed",
    "handed over": "in service",
    "home": "current",
    "in silence": "silently, without an event",
    "in vain": "without effect",
    "is to be": "must be",
    "ledger": "operation record",
    "moments?": "plan context, or: a second, at once",
    "on end": "repeatedly",
    "patience": "retry window",
    "sites?": "external resource",
    "stamps?": "request version",
    "strikes?": "consecutive denials",
    "such a one": "that, or the noun itself",
    "taken back": "reverted",
    "tells?": "reports, says, shows; Return whether",
    "turns?": "iteration, state",
    "unsettled": "not stabilized",
    "wish": "desired state, intent",
    "worlds?": "observed state",
}
"""Words, as regular expressions, and what to write for each."""

OTHER_MEANINGS = (
    r"site-packages",
    r"\bin turn\b",
    r"\bturns? (?:snapshots|failover|\{what\}) ",
)
"""Texts in which a banned word has another, plain meaning."""

SUFFIXES = {".py", ".md", ".json", ".yaml", ".yml", ".toml", ""}

_BANNED = re.compile(
    "|".join(rf"(?P<w{number}>\b{word}\b)" for number, word in enumerate(BANNED)).replace(" ", r"[\s#]+"),
    re.IGNORECASE,
)
_OTHER_MEANINGS = re.compile("|".join(OTHER_MEANINGS))


def files() -> Iterator[str]:
    """Yield the path of every text file that is scanned."""
    tops = [path for path in ROOT.iterdir() if not path.name.startswith(".")]  # no environment, no build
    for path in sorted(each for top in tops for each in (top, *top.rglob("*"))):
        name = path.relative_to(ROOT).as_posix()
        if name not in EXEMPT and path.is_file() and path.suffix in SUFFIXES:
            yield name


def found(text: str) -> Iterator[str]:
    """Yield every banned word of a text, in prose or as part of an identifier, with its line."""
    plain = _OTHER_MEANINGS.sub("", text)
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", plain)
    replacements = list(BANNED.values())
    for match in _BANNED.finditer(plain):
        instead = replacements[int(str(match.lastgroup)[1:])]
        line = plain.count("\n", 0, match.start()) + 1
        yield f"line {line}: {' '.join(match[0].split())} (write: {instead})"


@pytest.mark.parametrize("name", list(files()))
def test_a_file_says_it_in_the_words_of_the_field(name: str) -> None:
    words = list(found(f"{(ROOT / name).read_text('utf-8')}\n{name}"))
    assert not words, f"{name}: {'; '.join(words)}"


@pytest.mark.parametrize(
    "text", ["in\n    # vain", "HomeId", "home_id", "The Moment", "it tells", "test_a_turn_ends", "by\nhand"]
)
def test_a_banned_word_is_found_in_prose_over_a_line_break_and_in_identifiers(text: str) -> None:
    assert len(list(found(text))) == 1


@pytest.mark.parametrize("text", ["return", "timestamp", "besides", "homes", "site-packages", "intelligible"])
def test_a_word_that_only_contains_a_banned_one_is_free(text: str) -> None:
    assert list(found(text)) == []
