"""Texts are cut as telephone networks cut them; the bounds are those of 3GPP TS 23.038 and 23.040."""

import pytest
from drumbeat.channels.sms import parts
from drumbeat.channels.sms.parts import Encoding
from hypothesis import given, settings
from hypothesis import strategies as some

FIRE = "🔥"
BANGLA = "🔥 ফ্ল্যাশ সেল: ইলেকট্রনিক্সে ৫০% ছাড়! মাত্র ২ ঘন্টা বাকি। এখনই কিনুন: bit.ly/getit-flash"


@pytest.mark.parametrize(
    ("text", "encoding", "places", "number"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        # 153 is odd: a pair that does not fit goes into the next part, so each has 76 of them.
        ("€" * 81, "GSM-7", 162, 2),
        ("€" * 152, "GSM-7", 304, 2),
        ("€" * 153, "GSM-7", 306, 3),
        ("a" * 152 + "[" + "a" * 152, "GSM-7", 306, 3),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", "GSM-7", 31, 1),
        ("é" * 160, "GSM-7", 160, 1),
        ("ê", "UCS-2", 1, 1),
        ("ব" * 70, "UCS-2", 70, 1),
        ("ব" * 71, "UCS-2", 71, 2),
        ("ব" * 134, "UCS-2", 134, 2),
        ("ব" * 135, "UCS-2", 135, 3),
        (FIRE * 35, "UCS-2", 70, 1),
        # 67 is odd as well: 33 emoji a part.
        (FIRE * 66, "UCS-2", 132, 2),
        (FIRE * 67, "UCS-2", 134, 3),
        ("{" + "ব" * 69, "UCS-2", 70, 1),
        (BANGLA, "UCS-2", len(BANGLA) + 1, 2),
    ],
)
def test_a_text_has_as_many_parts_as_it_costs(text: str, encoding: str, places: int, number: int) -> None:
    counted = parts.count(text)
    assert (counted.encoding, counted.places, len(counted.parts)) == (encoding, places, number)


def test_who_forces_sixteen_bits_is_named_once() -> None:
    assert parts.count("“Hi” — “you”").forcing == ("“", "”", "—")
    assert parts.count('"Hi" - you').forcing == ()


def test_pasted_typography_has_an_equal_in_the_small_alphabet() -> None:
    plain = parts.plainer("“50% off”… it’s\u00a0on – now")
    assert (plain, parts.count(plain).encoding) == ('"50% off"... it\'s on - now', Encoding.GSM_7)
    assert all(parts.count(into).encoding == Encoding.GSM_7 for into in parts.PLAINER.values())


@settings(max_examples=40)
@given(some.text(some.one_of(some.sampled_from("ab€[é\nবক্ষ🔥👩‍👩‍👧’"), some.characters(exclude_categories=["Cs"]))))
def test_nothing_is_lost_between_parts_and_none_is_too_large(text: str) -> None:
    counted = parts.count(text)
    assert "".join(counted.parts) == text
    most = parts.ALONE if len(counted.parts) == 1 else parts.TOGETHER
    for part in counted.parts:
        # The oracle of sixteen bits is the codec; a lone surrogate would not encode.
        units = len(part.encode("utf-16-be")) // 2
        size = sum(2 if letter in "\f^{}\\[~]|€" else 1 for letter in part)
        assert (units if counted.encoding == Encoding.UCS_2 else size) <= most[counted.encoding]
