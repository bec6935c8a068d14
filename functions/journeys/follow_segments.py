"""Let contacts who join a segment into journeys, and those who leave one out of them."""

from typing import Any

from drumbeat import clock
from drumbeat.activity.interest import Interest
from drumbeat.bus import on
from drumbeat.journeys import declared, meeting
from drumbeat.journeys.work import ADVANCE


@on(
    meeting.JOINED,
    meeting.LEFT,
    reads=(*declared.ENTERS_READS, Interest),
    writes=declared.ENTERS,
    starts=(ADVANCE,),
)
def handler(event: dict[str, Any]) -> None:
    """An event may come twice, and late: whoever has joined again since stays."""
    data, about = event["data"], event["metadata"]
    tenant, segment_id, contact_id = about["tenant_id"], data["segment_id"], data["contact_id"]
    if event["event_type"] == meeting.JOINED:
        meeting.joined(tenant, segment_id, contact_id, clock.parse(data["joined_at"]), about["event_id"])
    else:
        meeting.left(tenant, segment_id, contact_id, clock.parse(data["left_at"]))
