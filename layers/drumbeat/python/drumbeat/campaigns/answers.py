"""What was paused by itself goes on only when a person answers for it, who is told why it was paused."""

from drumbeat.campaigns.model import WrongStatus
from drumbeat.sends import reputation
from drumbeat.sends.model import Send

RESTORED = "restored_copy"
_GO_ON = '{"override": true}'


class NeedsAnswer(WrongStatus):
    """It was paused by itself, and somebody has to say that it is to go on."""

    code = "NEEDS_ANSWER"


def require_none(send: Send) -> None:
    """Raise NeedsAnswer for a send that was paused by itself."""
    if send.reason == RESTORED:
        raise NeedsAnswer(
            "The data was restored from a backup. Whoever was sent after the backup was made would be sent again: "
            f"cancel the campaign, or send {_GO_ON} and answer for it."
        )
    if send.reason in reputation.ANSWERED_FOR and send.stopped:
        raise NeedsAnswer(
            f"It was paused because {reputation.described(send.stopped)}. Clean the audience first (POST "
            f"/v1/reports/list-hygiene), or send {_GO_ON} and answer for it."
        )
