"""Resend: exactly those who were not sent get it, once, however often it is asked; copies and archives of campaigns."""

from typing import Any

from drumbeat import table
from drumbeat.contacts.model import Contact
from drumbeat.sends import delivering
from drumbeat.sends.audience import Audience, Earlier, contact_ids
from drumbeat.sends.model import Chunk, Outcome, Send, Stat, pack

from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_limits import people
from tests.world import World


def resend(shop: Clocked, made: str, **body: Any) -> Any:
    return shop.world.call("campaigns.resend_campaign", path={"campaign_id": made}, body=body)


def preview(shop: Clocked, made: str, **body: Any) -> Any:
    return shop.world.call("campaigns.preview_resend", path={"campaign_id": made}, body=body).data


def half_sent(shop: Clocked) -> str:
    """p0 and p1 were sent, p2 was rejected, p3 and p4 may have been sent, the others were cancelled."""
    shop.people(8)
    made = shop.planned(3)
    first, second, _ = shop.chunks(made)
    victim = Contact.key(TENANT, first.contacts[2])
    Contact.change_at(*victim, Contact.email.set("p2@" + "x" * 250 + ".example"))
    delivering.look_at(first.place)
    Contact.change_at(*victim, Contact.email.set("p2@town.example"))
    Chunk.change_at(*second.place.chunk_key, Chunk.span.set(2))
    shop.mails.fault("500_accepted", count=1)
    delivering.look_at(second.place)
    assert shop.do("cancel", made).status == 200
    shop.later(minutes=1)
    assert resend(shop, made).body["error_code"] == "CAMPAIGN_STATUS"  # the doubt is still open
    shop.later(hours=3)
    return made


def test_exactly_those_who_were_not_sent_get_it_and_once(clocked: Clocked) -> None:
    made = half_sent(clocked)
    reasons = clocked.results(made)["not_sent_by_reason"]
    assert reasons == {"rejected_by_provider": 1, "outcome_unknown": 2, "cancelled": 3}
    shown = preview(clocked, made, reasons=["rejected_by_provider", "cancelled", "outcome_unknown"])
    assert (shown["recipients"], shown["by_reason"]["outcome_unknown"]) == (6, 2)
    assert resend(clocked, made, reasons=["outcome_unknown"]).refused == ["accept_duplicates"]
    clocked.world.call("contacts.create_suppression", body={"address": "p7@town.example", "reason": "manual"})

    again = resend(clocked, made, send_type="immediate").data
    assert resend(clocked, made, send_type="immediate").data["id"] == again["id"]
    both = resend(clocked, made, reasons=["cancelled", "outcome_unknown"], accept_duplicates=True)
    assert both.body["error_code"] == "ALREADY_RESENT"
    clocked.world.settle()

    sent = clocked.mails.addresses()
    assert sorted(sent) == people(0, 1, 2, 3, 4, 5, 6)
    assert clocked.results(again["id"])["not_sent_by_reason"] == {"suppressed": 1}
    assert clocked.do("get", again["id"]).data["resend_of"] == made
    # An event of a mail that counts as unknown: it was sent, so that is no longer to be repeated.
    second = clocked.chunks(made)[1]
    Stat.change_at(*second.place.stat_key, Stat.delivered.add({1}))
    last = resend(clocked, made, reasons=["outcome_unknown"], accept_duplicates=True, send_type="immediate").data
    clocked.world.settle()
    assert (clocked.results(last["id"])["recipients"], len(clocked.mails.addresses())) == (1, 8)
    copy = clocked.world.call("campaigns.duplicate_campaign", path={"campaign_id": again["id"]}, body={}).data
    assert clocked.do("launch", copy["id"]).refused == ["audience"]  # a copy of a resend is not another resend


def test_a_resend_that_was_given_up_frees_its_recipients(clocked: Clocked) -> None:
    clocked.people(2)
    made = clocked.planned(2)
    clocked.do("cancel", made)
    clocked.work(made)
    clocked.world.settle()
    first = resend(clocked, made).data["id"]
    clocked.do("cancel", first)
    second = resend(clocked, made, send_type="immediate").data["id"]
    clocked.world.settle()

    assert second != first and resend(clocked, made).data["id"] == second
    assert sorted(clocked.mails.addresses()) == people(0, 1)
    assert (
        clocked.world.call("campaigns.resend_campaign", tenant="globex", path={"campaign_id": made}, body={}).status
        == 404
    )


def test_whoever_has_not_read_it_gets_it_again(clocked: Clocked) -> None:
    clocked.people(5)
    made = clocked.planned(5)
    clocked.work(made)
    clocked.world.settle()
    (chunk,) = clocked.chunks(made)
    Stat.change_at(
        *chunk.place.stat_key,
        Stat.delivered.add({0, 1, 2, 3}), Stat.opened.add({0}), Stat.clicked_machine.add({1}), Stat.bounced.add({4}),
    )  # fmt: skip
    again = resend(clocked, made, unread=True, subject="Once more", send_type="immediate").data
    clocked.world.settle()

    assert clocked.mails.addresses()[5:] == people(2, 3)
    assert (again["subject"], clocked.mails.mails()[-1]["subject"]) == ("Once more", "Once more")


def test_recipients_of_grouped_chunks_are_read_in_order_and_behind_any_of_them(world: World) -> None:
    """Two chunks share the range 0–9, by odd and even; a planner that goes on behind 4 wants 5 to 12."""
    send = Send(*Send.key(TENANT, "snd_x"), tenant=TENANT, send_id="snd_x")
    named = [f"con_{number:026d}" for number in range(13)]
    for number, (contacts, end) in enumerate([(named[0:10:2], 9), (named[1:10:2], 9), (named[10:13], 12)]):
        Chunk(
            *Chunk.key(TENANT, send.send_id, 0, number), state="done", recipients=pack(contacts),
            outcomes=Outcome.EXPIRED * len(contacts), range_end=named[end],
        ).create()  # fmt: skip
    audience = Audience(earlier=Earlier(send="snd_x", plan_shards=1, outcomes="ex"))

    assert list(contact_ids(TENANT, audience, 0, 1, None)) == named
    for place in (0, 4, 9, 10, 12):
        assert list(contact_ids(TENANT, audience, 0, 1, named[place])) == named[place + 1 :]
    assert not list(table.rows(Chunk, f"CHUNK#{TENANT}#snd_x#1"))


def test_copies_and_archives(clocked: Clocked) -> None:
    made = clocked.said(limits={"per_hour": 9}, utm={"source": "crm"}, expires_at="2026-03-05T00:00:00Z")
    call = clocked.world.call
    copy = call("campaigns.duplicate_campaign", path={"campaign_id": made}, body={"name": "Again"}).data
    assert (copy["name"], copy["status"], copy["limits"], copy["utm"]["source"], copy["expires_at"]) == (
        "Again", "draft", {"per_hour": 9}, "crm", None
    )  # fmt: skip

    for _ in range(2):
        assert call("campaigns.archive_campaign", path={"campaign_id": made}).data["archived_at"] is not None
    listed = {
        which: [one["id"] for one in call("campaigns.list_campaigns", query={"archived": which}).data["items"]]
        for which in ("false", "true", "all")
    }
    assert listed == {"false": [copy["id"]], "true": [made], "all": [copy["id"], made]}
    assert call("campaigns.list_campaigns").data["total_count"] == 1
    call("campaigns.unarchive_campaign", path={"campaign_id": made})
    assert call("campaigns.list_campaigns").data["total_count"] == 2
    clocked.do("schedule", made, body={"scheduled_at": "2026-03-04T00:00:00Z"})
    assert call("campaigns.archive_campaign", path={"campaign_id": made}).status == 409
