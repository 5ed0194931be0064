"""Managers and customers that are likely one under two spellings: proposals, never joins.

What belongs here: which pairs to show and the line of workspace.yml that would join them. What does
not: joining (the crosswalk models do it, by rules that are sure and by `aliases`).
"""

from __future__ import annotations

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from dagster_project.publish.reader import is_published, opened_release
from dagster_project.settings import Workspace

_LATIN = {
    **dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziiklmnoprstufye", strict=True)),
    **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch"},
    **{"ъ": "", "ь": "", "ю": "yu", "я": "ya"},
}
_LEGAL = {"ooo", "oao", "zao", "pao", "ao", "ip", "ltd", "llc", "inc", "gmbh", "corp", "co"}
_BLOCK_LIMIT = 200
_LIKE_ENOUGH = 0.9


def likely_pairs(workspace: Workspace) -> list[dict[str, Any]]:
    """Return pairs of managers and of customers that the published release keeps apart.

    Returns:
        One mapping per pair: ``subject``, ``first``, ``second`` (names), ``first_id``,
        ``second_id``, ``because`` and ``line`` (to add under ``aliases``). Nothing where nothing is
        published yet.
    """
    if not is_published(workspace):
        return []
    told = []
    with opened_release(workspace, "looking for likely pairs") as release:
        for subject in ("manager", "customer"):
            people = release.execute(
                f"select distinct {subject}_id, {subject}_name from marts.dim_{subject} "
                f"where {subject}_name is not null order by 1, 2"
            ).fetchall()
            told += [_told(subject, *pair) for pair in pairs_of(subject, people)]
    return told


def pairs_of(
    subject: str, people: list[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], tuple[str, str], str]]:
    """Return each likely pair of (id, name) once, with the reason."""
    blocks: dict[str, list[int]] = defaultdict(list)
    words = [_words_of(name) for _, name in people]
    for place, tokens in enumerate(words):
        joined = "".join(sorted(tokens))
        keys = {t for t in tokens if len(t) > 2} | {f"<{joined[:4]}", f">{joined[-4:]}"}
        keys |= {f"^{t[:4]}" for t in tokens if len(t) > 4}
        for key in keys:
            blocks[key].append(place)
    seen = set()
    for block in blocks.values():
        if len(block) > _BLOCK_LIMIT:
            continue
        for pair in combinations(block, 2):
            if pair in seen or people[pair[0]][0] == people[pair[1]][0]:
                continue
            seen.add(pair)
            because = _likeness(subject, words[pair[0]], words[pair[1]])
            if because:
                yield people[pair[0]], people[pair[1]], because


def _words_of(name: str) -> list[str]:
    """Split a name into latin words, without legal forms."""
    text = "".join(_LATIN.get(sign, sign) for sign in name.casefold().replace("ё", "е"))
    return [word for word in re.findall(r"[^\W_]+", text) if word not in _LEGAL]


def _likeness(subject: str, first: list[str], second: list[str]) -> str | None:
    if not first or not second:
        return None
    if first == second:
        return "the same name, or its transliteration"
    if sorted(first) == sorted(second):
        return "the same words in another order"
    if subject == "manager" and _is_initialled(first, second):
        return "the same surname and initial"
    one, other = " ".join(sorted(first)), " ".join(sorted(second))
    if min(len(one), len(other)) < 6 or re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return None
    if difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _LIKE_ENOUGH:
        return "a few letters differ"
    return None


def _is_initialled(first: list[str], second: list[str]) -> bool:
    """Tell whether one word is shared and the first letters of the rest agree, one being short."""
    for surname in {w for w in first if len(w) > 2} & set(second):
        rest, others = ([w for w in words if w != surname] for words in (first, second))
        if not rest or not others or not (len(rest[0]) == 1 or len(others[0]) == 1):
            continue
        if all(a[0] == b[0] for a, b in zip(rest, others, strict=False)):
            return True
    return False


def _told(
    subject: str, first: tuple[str, str], second: tuple[str, str], because: str
) -> dict[str, Any]:
    line = f"aliases: {{{subject}: {{{_quoted(_spelling(second))}: {_quoted(_spelling(first))}}}}}"
    return {
        "subject": subject,
        "first": first[1],
        "first_id": first[0],
        "second": second[1],
        "second_id": second[0],
        "because": because,
        "line": line,
    }


def _is_name_only(entity_id: str) -> bool:
    """A key made of a name's hash cannot be written by a person: its name stands for it."""
    return bool(re.fullmatch(r"[^:]*:[0-9a-f]{32}", entity_id))


def _spelling(person: tuple[str, str]) -> str:
    return person[1] if _is_name_only(person[0]) else person[0]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
