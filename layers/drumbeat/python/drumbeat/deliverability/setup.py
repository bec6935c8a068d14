"""A domain's set-up: which DNS records a sending identity needs, which there are, and what to do.

What Amazon SES asks for: docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html and mail-from.html.
"""

import functools
import os
from collections.abc import Sequence
from typing import Literal

from drumbeat import lookup
from drumbeat.deliverability import claims, dmarc, spf
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.fields import View

SES_SENDERS = "amazonses.com"
CheckState = Literal["ok", "missing", "wrong", "warning"]


class Record(View):
    """A DNS record that is to be there."""

    name: str
    type: str
    value: str


class Check(View):
    """One thing about a domain: the record as it should be, what was found at that name, and what to do."""

    purpose: str
    name: str
    type: str
    expected: str
    found: list[str]
    state: CheckState
    looked_up: bool
    advice: str | None


def expected(row: Identity, claim: Claim | None) -> list[tuple[str, Record]]:
    """The records that an identity needs, each with its purpose."""
    needed: list[tuple[str, Record]] = []
    domain = row.name.rpartition("@")[2]
    if claim is not None and claim.contested:
        name, value = claims.proof(row.tenant, domain)
        needed.append(("ownership", Record(name=name, type="TXT", value=value)))
    for token in row.dkim_tokens or ():
        target = f"{token}.{row.dkim_zone}"
        needed.append(("dkim", Record(name=f"{token}._domainkey.{domain}", type="CNAME", value=target)))
    if row.mail_from:
        exchange = f"10 feedback-smtp.{os.environ['AWS_REGION']}.{SES_SENDERS}"
        needed.append(("mail_from_mx", Record(name=row.mail_from, type="MX", value=exchange)))
        allowed = f"v=spf1 include:{SES_SENDERS} ~all"
        needed.append(("mail_from_spf", Record(name=row.mail_from, type="TXT", value=allowed)))
    policy = f"v=DMARC1; p=none; rua=mailto:dmarc-reports@{domain}"
    needed.append(("dmarc", Record(name=f"_dmarc.{domain}", type="TXT", value=policy)))
    return needed


def checked(row: Identity, claim: Claim | None) -> list[Check]:
    """Look everything up and judge it."""
    domain = row.name.rpartition("@")[2]
    judges = {"mail_from_spf": _mail_from_spf, "mail_from_mx": _same, "dkim": _same, "ownership": _same}
    checks = [judges[purpose](purpose, record) for purpose, record in expected(row, claim) if purpose in judges]
    return [*checks, _own_spf(domain), _dmarc(row, domain)]


def _check(purpose: str, record: Record, found: lookup.Found, state: CheckState, advice: str | None) -> Check:
    if found.failed:
        state, advice = "warning", f"it could not be looked up now ({found.failed}); try again"
    return Check(
        purpose=purpose, name=record.name, type=record.type, expected=record.value, found=list(found.values),
        state=state, looked_up=found.failed is None, advice=advice,
    )  # fmt: skip


def _same(purpose: str, record: Record) -> Check:
    """The record must be exactly this one; of MX records it must be the only one (SES refuses others beside it)."""
    found = lookup.records(record.name, record.type)
    there = record.value in found.values
    if there and record.type == "MX" and len(found.values) > 1:
        return _check(purpose, record, found, "wrong", "remove the other MX records of this name")
    if there:
        return _check(purpose, record, found, "ok", None)
    if found.values and purpose != "ownership":
        return _check(purpose, record, found, "wrong", f"replace what is there by {record.value}")
    return _check(purpose, record, found, "missing", f"add a {record.type} record with the value {record.value}")


def _texts(name: str) -> Sequence[str]:
    return lookup.texts(name).values


def _mail_from_spf(purpose: str, record: Record) -> Check:
    """The return path's own SPF record must let SES send."""
    found = lookup.texts(record.name)
    verdict = spf.judged(found.values, functools.cache(_texts))
    if verdict.record is None:
        return _check(purpose, record, found, "missing", f"add a TXT record with the value {record.value}")
    if verdict.problem:
        return _check(purpose, record, found, "wrong", verdict.problem)
    if not spf.allows(verdict.record, SES_SENDERS):
        return _check(purpose, record, found, "wrong", f"put include:{SES_SENDERS} into the SPF record")
    return _check(purpose, record, found, "ok", None)


def _own_spf(domain: str) -> Check:
    """The domain's own SPF record: not what our mail is judged by (its return path has another domain), but a broken
    one makes all other mail of the domain suspicious."""
    found = lookup.texts(domain)
    record = Record(name=domain, type="TXT", value="v=spf1 ~all")
    verdict = spf.judged(found.values, functools.cache(_texts))
    shown = lookup.Found(tuple(text for text in found.values if spf.is_spf(text)), found.failed)
    if verdict.record is None:
        advice = "mail sent from here does not need it; list whoever else sends for the domain, and end with ~all"
        return _check("spf", record, shown, "warning", advice)
    if verdict.problem:
        return _check("spf", record, shown, "wrong", verdict.problem)
    if verdict.record.lower().split()[-1] in ("+all", "all"):
        return _check("spf", record, shown, "wrong", "+all lets anybody send as this domain; end with ~all or -all")
    return _check("spf", record, shown, "ok", f"{verdict.lookups} of {spf.MOST_LOOKUPS} lookups used")


def _dmarc(row: Identity, domain: str) -> Check:
    """Mailbox providers ask bulk senders for a policy of at least `none`, and for mail that is aligned with it."""
    wanted = Record(name=f"_dmarc.{domain}", type="TXT", value=f"v=DMARC1; p=none; rua=mailto:dmarc-reports@{domain}")
    direct = lookup.texts(wanted.name)
    if direct.failed:
        return _check("dmarc", wanted, direct, "warning", None)
    try:
        policy = dmarc.in_force(domain, _texts)
    except dmarc.Several as error:
        advice = f"there are several DMARC records at {error}, which counts as none: keep one"
        return _check("dmarc", wanted, direct, "wrong", advice)
    if policy is None:
        wrong = any(text.lower().startswith("v=dmarc") for text in direct.values)
        state: CheckState = "wrong" if wrong else "missing"
        return _check("dmarc", wanted, direct, state, f"set the TXT record to {wanted.value}")
    shown = lookup.Found((policy.record,), None)
    doubt = _doubt(row, domain, policy)
    if doubt:
        return _check("dmarc", wanted, shown, "warning", doubt)
    grow = "once the reports show that all your mail passes, raise the policy to quarantine"
    return _check("dmarc", wanted, shown, "ok", grow if policy.policy == "none" else None)


def _doubt(row: Identity, domain: str, policy: dmarc.Policy) -> str | None:
    """What of a valid policy may hurt."""
    if not row.is_domain:
        if policy.policy == "none":
            return "mail from a single address is not signed by its domain: verify the domain instead of the address"
        return f"its policy {policy.policy} turns such mail away, as it is not signed by {domain}: verify the domain"
    if policy.strict_dkim and policy.inherited:
        return f"adkim=s asks for a signature of exactly the From domain: send from addresses of {row.name} only"
    if policy.strict_spf:
        return f"with aspf=s SPF cannot be aligned (the return path is {row.mail_from}); DKIM alone has to pass: use r"
    if not policy.reports_to:
        return f"add rua=mailto:dmarc-reports@{domain}: without reports nobody sees which mail fails"
    base = policy.at.removeprefix("_dmarc.")
    for receiver in dmarc.reporting_domains(policy):
        # RFC 7489, 7.1: reports go to somebody else's domain only if that domain says so.
        agreement = f"{base}._report._dmarc.{receiver}"
        if not _related(receiver, base) and not any(map(dmarc.tags, _texts(agreement))):
            return f"{receiver} has not agreed to get reports: it needs a TXT record v=DMARC1 at {agreement}"
    return None


def _related(receiver: str, domain: str) -> bool:
    """Whether one of two domains lies in the other."""
    return f".{receiver}".endswith(f".{domain}") or f".{domain}".endswith(f".{receiver}")
