"""The one page that people of a tenant see: where a link of an invitation or a reset mail leads."""

import base64
import hashlib

_SCRIPT = """
const [purpose, token] = location.hash.slice(1).split("=");
const path = {invitation: "accept-invitation", reset: "reset-password"}[purpose];
const form = document.querySelector("form"), said = document.querySelector("output");
if (!path) { form.hidden = true; said.textContent = "This link is not complete. Open it again from where you got it."; }
form.addEventListener("submit", async event => {
  event.preventDefault();
  const body = JSON.stringify({token, password: form.password.value});
  const answer = await fetch(path, {method: "POST", headers: {"content-type": "application/json"}, body});
  const reply = await answer.json();
  const details = answer.ok ? [] : reply.error.details.map(detail => `${detail.field} ${detail.message}`);
  said.textContent = [reply.message, ...details].join(" ");
  form.hidden = answer.ok;
});
"""
# The colours of the pages that recipients see (drumbeat.feedback.pages, which this context may not import).
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e26; --paper: #fff; --ground: #f3f4f8; --line: #8b8fa1; --key: #2f4bd8;
--on: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef5; --paper: #1d2029; --ground: #13151b; --line: #6d7286;
--key: #8fa2ff; --on: #13151b } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--ground);
color: var(--ink); font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { width: 100%; max-width: 30rem; background: var(--paper); border-radius: 1rem; padding: 2rem 1.75rem }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25 }
input, button { font: inherit; width: 100%; min-height: 3rem; padding: .6rem .75rem; border-radius: .625rem }
input { margin: .35rem 0 1.25rem; color: inherit; background: var(--paper); border: 1px solid var(--line) }
button { border: 0; font-weight: 600; background: var(--key); color: var(--on); cursor: pointer }
:focus-visible { outline: 3px solid var(--key); outline-offset: 3px }
output { display: block; overflow-wrap: anywhere } form:not([hidden]) + output:not(:empty) { margin-top: 1.25rem }
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


PASSWORD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>Set your password</title><style>{_STYLE}</style></head>
<body><main><h1>Set your password</h1>
<form><label>New password, at least 10 characters
<input name="password" type="password" autocomplete="new-password" minlength="10" maxlength="256" required></label>
<button>Set password</button></form><output role="status"></output></main>
<script>{_SCRIPT}</script></body></html>
"""
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; connect-src 'self'; style-src {_hash(_STYLE)}; "
    f"script-src {_hash(_SCRIPT)}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
