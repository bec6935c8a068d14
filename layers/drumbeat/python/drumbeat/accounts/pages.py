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
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem; color: #222 }
input, button { font: inherit; width: 100%; padding: .6rem; margin: .3rem 0 1rem; box-sizing: border-box }
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


PASSWORD = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Set your password</title>
<style>{_STYLE}</style>
<h1>Set your password</h1>
<form><label>New password, at least 10 characters
<input name="password" type="password" autocomplete="new-password" minlength="10" maxlength="256" required></label>
<button>Set password</button></form><output role="status"></output>
<script>{_SCRIPT}</script></html>
"""
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; connect-src 'self'; style-src {_hash(_STYLE)}; "
    f"script-src {_hash(_SCRIPT)}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
