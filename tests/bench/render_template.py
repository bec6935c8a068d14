"""Processor time of the template engine for one recipient of a realistic newsletter (30 KB, 15 personal places)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

from drumbeat.templates.engine import Compiled, compile_template

_FILLER = '<tr><td style="padding:16px 24px;font:16px/1.5 Arial,sans-serif;color:#333333">' + "Lorem ipsum dolor. " * 20
SUBJECT = "{{ first_name | default: 'Friend' }}, your {{ month }} picks are here"
HTML = (
    "<html><head><style>@media (max-width:600px){.w{width:100%}}</style></head><body><table class=w>"
    "<tr><td>Hello {{ first_name | default: 'friend' | capitalize }} from {{ city }},</td></tr>"
    + (_FILLER + "</td></tr>")
    * 31
    + "{% if loyalty.tier == 'gold' %}<tr><td>You have {{ loyalty.points }} points.</td></tr>"
    "{% else %}<tr><td>Join our club.</td></tr>{% endif %}"
    "{% for product in products %}<tr><td><img src='https://cdn.example/{{ product.sku }}.jpg'>"
    "<a href='https://shop.example/p?sku={{ product.sku }}'>{{ product.name }}</a> {{ product.price | money }}"
    "</td></tr>"
    "{% endfor %}"
    + (_FILLER + "</td></tr>")
    * 31
    + "<tr><td>Code {{ coupon | upcase }} is valid until {{ expires | date: '%-d %B' }} at {{ store.name }}, "
    "{{ store.street }}. <a href='https://shop.example/?c={{ coupon }}'>Shop</a> "
    "<a href='https://shop.example/new'>New</a> "
    "Your last order: {{ last_order | date: '%d.%m.%Y' }}. {{ gender_greeting }}</td></tr>"
    "<tr><td>{{ postal_address }} <a href='{{ unsubscribe_url }}'>Unsubscribe</a> "
    "<a href='{{ preferences_url }}'>Preferences</a></td></tr></table></body></html>"
)


def recipient(number: int) -> Mapping[str, object]:
    """One recipient's data, as a worker would assemble it."""
    return {
        "first_name": f"Anika{number}", "city": "Dhaka & Co", "month": "November", "coupon": f"save{number}",
        "loyalty": {"tier": "gold" if number % 2 else "silver", "points": number}, "gender_greeting": "Bye!",
        "products": [{"sku": f"s{number}{n}", "name": f"Shirt {n}", "price": "1250.00"} for n in range(3)],
        "expires": "2026-12-01T00:00:00Z", "last_order": "2026-10-05", "store": {"name": "Shop", "street": "Road 1"},
        "currency": "BDT", "timezone": "Asia/Dhaka", "postal_address": "1 High Street",
        "unsubscribe_url": f"https://t.example/u/{number}", "preferences_url": f"https://t.example/p/{number}",
        "click_base": f"https://t.example/c/{number}", "open_url": f"https://t.example/o/{number}",
    }  # fmt: skip


def compiled() -> Compiled:
    """The newsletter with a text part derived from it."""
    return compile_template(SUBJECT, HTML)


def microseconds_per_recipient(recipients: int = 2_000) -> float:
    """Rendering of the fragments and their JSON for SES, without compiling; the best of three runs."""
    template = compiled()
    data = [recipient(number) for number in range(recipients)]
    runs = []
    for _ in range(3):
        began = time.process_time()
        for one in data:
            json.dumps(template.render(one))
        runs.append((time.process_time() - began) / recipients * 1e6)
    return min(runs)


def report() -> str:
    """One line for the benchmark's log."""
    began = time.process_time()
    template = compiled()
    milliseconds = (time.process_time() - began) * 1e3
    values = template.render(recipient(1))
    return (
        f"{len(HTML)} bytes of HTML compiled in {milliseconds:.0f} ms; {len(values)} fragments, "
        f"{len(json.dumps(values))} bytes and {microseconds_per_recipient():.0f} µs a recipient"
    )


if __name__ == "__main__":
    if "json" in sys.argv:  # milliseconds a recipient, for the other benchmarks
        sys.stdout.write(json.dumps(microseconds_per_recipient() / 1e3))
    else:
        sys.stdout.write(report() + "\n")
