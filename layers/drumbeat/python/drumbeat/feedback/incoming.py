"""What a verified notification of SNS carries is put on the queue as it is; a worker applies it."""

from typing import Any

from pydantic_core import from_json

from drumbeat import queues
from drumbeat.logs import logger
from drumbeat.sends.work import FEEDBACK


def take(message: str) -> bool:
    """Queue an event of SES. False for what is none: SES greets a new topic with a sentence."""
    try:
        event: Any = from_json(message)
    except ValueError:
        event = None
    if not isinstance(event, dict) or "eventType" not in event:
        logger.info("a notification without an event", extra={"length": len(message)})
        return False
    queues.send(FEEDBACK, "", [event])
    return True
