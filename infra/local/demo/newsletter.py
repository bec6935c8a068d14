"""A newsletter of realistic weight: 30 KB of HTML with some fifteen personal places."""

SUBJECT = "{{ first_name | default: 'Friend' }}, your {{ month }} offers from {{ city | default: 'Acme' }}"
PRODUCTS = [
    {"sku": f"P-{number}", "name": name, "price": price}
    for number, (name, price) in enumerate((("Lamp", "19.90"), ("Tea set", "34.50"), ("Rug", "120.00")), 1)
]
CONTENT = {"month": "November", "headline": "Made for {{ city }}", "products": PRODUCTS, "coupon": "SAVE20"}
_STYLE = "padding:16px 24px;font:16px/1.5 -apple-system,Segoe UI,Roboto,Arial,sans-serif;color:#22313f"
_STORY = (
    "We asked the people who make our things what they would keep for themselves, and why. Here is what they said, and "
    "where it comes from: who wove it, who fired it, and how long it took. Nothing here was made in a hurry. "
)
_PARAGRAPH = f'<tr><td style="{_STYLE}">{_STORY * 2}</td></tr>\n'


def html(kilobytes: int = 30) -> str:
    """The newsletter, filled with stories up to the weight."""
    top, bottom = _top(), _bottom()
    stories = max(2, (kilobytes * 1000 - len(top) - len(bottom)) // len(_PARAGRAPH))
    half = _PARAGRAPH * (stories // 2)
    return top + half + _offers() + half + bottom


def _top() -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{{{ headline }}}}</title>
<style>@media (max-width:600px) {{ .page {{ width: 100% !important }} }}</style></head>
<body style="margin:0;background:#f4f1ec"><table class="page" width="600" align="center" role="presentation"
style="background:#fff">
<tr><td style="{_STYLE}"><h1>Hello {{{{ first_name | default: "friend" }}}} {{{{ last_name }}}}</h1>
Greetings to {{{{ city | default: "you" }}}}. You have {{{{ engagement | default: 0 }}}} points.</td></tr>
"""


def _offers() -> str:
    return f"""{{% if engagement >= 80 %}}<tr><td style="{_STYLE}"><b>For our most loyal: {{{{ coupon }}}}</b></td></tr>
{{% else %}}<tr><td style="{_STYLE}">Join the club at 80 points.</td></tr>{{% endif %}}
{{% for product in products %}}<tr><td style="{_STYLE}">
<a href="https://shop.acme.example/p?sku={{{{ product.sku }}}}">{{{{ product.name }}}}</a>
{{{{ product.price | money }}}}</td></tr>{{% endfor %}}
<tr><td style="{_STYLE}"><a href="https://shop.acme.example/offers">See all offers</a>
<a href="https://shop.acme.example/about">About us</a></td></tr>
"""


def _bottom() -> str:
    return f"""<tr><td style="{_STYLE}">You get this at {{{{ email }}}} because you said yes.
<a href="{{{{ preferences_url }}}}">Preferences</a> <a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a><br>
{{{{ postal_address }}}}</td></tr></table></body></html>"""
