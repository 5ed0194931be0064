"""Which names are shown as likely one, and which are not."""

from __future__ import annotations

import pytest

from dagster_project.likenesses import pairs_of


def reasons(subject: str, *names: str) -> list[str]:
    people = [(f"crm:{number}", name) for number, name in enumerate(names)]
    return [because for _, _, because in pairs_of(subject, people)]


@pytest.mark.parametrize(
    ("first", "second", "because"),
    [
        ("Анна Петрова", "Петрова А.", "the same surname and initial"),
        ("Анна Петрова", "Петрова Анна", "the same words in another order"),
        ("Анна Петрова", "Anna Petrova", "the same name, or its transliteration"),
        ("Анна Петрова", "Анна Питрова", "a few letters differ"),
    ],
)
def test_a_manager_under_two_spellings_is_proposed_once(first, second, because):
    assert reasons("manager", first, second) == [because]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Анна Петрова", "Борис Петров"),
        ("Анна Петрова", "Петрова Б."),
        ("Анна Петрова", "Ольга Петрова"),
        ("Филиал 12", "Филиал 13"),
    ],
)
def test_two_people_with_something_in_common_are_not_proposed(first, second):
    assert reasons("manager", first, second) == []


def test_a_legal_form_does_not_keep_two_spellings_of_a_customer_apart():
    assert reasons("customer", "ООО «Вектор»", "Вектор") == [
        "the same name, or its transliteration"
    ]
