"""Pinpoint's templates, rendered as Liquid for somebody, say what they said there."""

from typing import Any

import pytest
from drumbeat.migrations.handlebars import DIFFERENT, Translation, Untranslatable
from drumbeat.templates.language import environment

JANE: dict[str, Any] = {
    "email": "jane@example.com", "first_name": "Jane", "external_id": "u1", "language": "en-US",
    "attributes": {
        "City": "Rome", "Colours": ["red", "blue"], "Age": "21", "Favourite Tea": "oolong", "logins": 12,
        "location_city": "Los Angeles", "location_country": "US", "demographic_platform": "ios", "Member": "true",
    },
}  # fmt: skip

SAID = [
    ("Hello {{User.UserAttributes.FirstName}}!", "Hello Jane!"),
    ("{{ Attributes.firstname.[0] }} {{User.UserAttributes.City.[0]}}", "Jane Rome"),
    ("{{Address}} {{User.UserId}} {{Metrics.logins}} {{Demographic.Platform}}", "jane@example.com u1 12 ios"),
    ("{{Attributes.Colours}}|{{Attributes.Colours.[0]}}|{{Attributes.Colours.[1]}}", "red, blue|red|blue"),
    ("{{User.UserAttributes.[Favourite Tea]}}", "oolong"),
    ("{{User.UserAttributes.Nothing}}{{Attributes.Nothing.[0]}}.", "friend."),
    ("{{#if User.UserAttributes.City.[0]}}yes{{else}}no{{/if}}", "yes"),
    ("{{#if Attributes.Missing}}yes{{else}}no{{/if}}", "no"),
    ("{{#unless Attributes.Missing}}none{{/unless}}", "none"),
    ("{{#each Attributes.Colours}}{{@index}}:{{this}} {{else}}none{{/each}}", "0:red 1:blue "),
    ("{{#each User.UserAttributes.City}}<{{this}}>{{/each}}{{#each Attributes.No}}x{{else}}-{{/each}}", "<Rome>-"),
    ('{{#eq Attributes.Colours.[0] "red"}}r{{else}}-{{/eq}}{{#neq Location.City "Rome"}}n{{/neq}}', "rn"),
    ('{{#gt User.UserAttributes.Age.[0] "17"}}old{{else}}young{{/gt}}{{#lte Metrics.logins 11}}few{{/lte}}', "old"),
    ('{{#and (eq Location.City "Los Angeles") (eq Location.Country "US")}}LA{{else}}-{{/and}}', "LA"),
    ('{{#or (eq Location.City "Rome") (gte Attributes.Age.[0] 21)}}one{{/or}}', "one"),
    ('{{#not (eq Attributes.Colours.[0] "red")}}other{{else}}red{{/not}}', "red"),
    ("{{#if (not (eq Attributes.Colours.[0] 'red'))}}other{{else}}red{{/if}}", "red"),
    ("{{#if Attributes.City}}{{#eq Attributes.Member 'true'}}m{{/eq}}{{/if}}", "m"),
    ("{{eq Attributes.City.[0] 'Rome' yes='y' no='n'}}{{gt Attributes.Age.[0] 30}}", "yfalse"),
    ("{{upper Attributes.City.[0]}} {{lower Attributes.City}} {{join Attributes.Colours '/'}}", "ROME rome red/blue"),
    ("{{join Attributes.Nothing ', '}}{{abbreviate Location.City 6}}{{substring Location.City 4 9}}", "Los...Angel"),
    ("{{add Metrics.logins 2}} {{divide Metrics.logins 5}} {{replace Location.City ' ' '_'}}", "14 2.4 Los_Angeles"),
    ("{{! a note }}{{!-- {{nothing}} --}}{{~Attributes.City~}}", "Rome"),
    ('{{#* inline "who"}}{{Attributes.FirstName}} of {{Attributes.City}}{{/inline}}{{> who}}!', "Jane of Rome!"),
    ("a { b } c", "a { b } c"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), SAID)
def test_it_says_what_it_said(source: str, said: str) -> None:
    made = Translation({"User.UserAttributes.Nothing": "friend"}).liquid(source)

    assert environment(html=False).from_string(made).render(**JANE) == said


def test_what_differs_is_named() -> None:
    made = Translation()

    made.liquid("{{{Attributes.A.[0]}}}{{Attributes.B}}{{capitalizeFirst Attributes.C}}{{#gt Attributes.D 1}}x{{/gt}}")

    assert made.differences == [DIFFERENT[name] for name in ("raw", "list", "capitalizeFirst", "number")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{uuid}}", "uuid"),
        ("{{Recommendations.ProductId.[0]}}", "Recommendations"),
        ("{{#if Attributes.A}}x", "never closed"),
        ("{{/if}}", "closes nothing"),
        ("{{#with Attributes.A}}x{{/with}}", "'with'"),
        ("{{> nowhere}}", "nowhere"),
        ("{% raw %}", "Liquid"),
        ("{{#if Attributes.A}}x{{else if Attributes.B}}y{{/if}}", "nested blocks"),
        ('{{#and (or (eq Attributes.A "1") (eq Attributes.B "2")) (eq Attributes.C "3")}}x{{/and}}', "one condition"),
        ("{{}}", "empty"),
        ("{{md5 'x'}}", "md5"),
    ],
)
def test_what_has_no_counterpart_is_named(source: str, reason: str) -> None:
    with pytest.raises(Untranslatable, match=reason):
        Translation().liquid(source)
