"""Letters that go back to functions: they are called, and the letter is gone when the function has taken it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.catalogue import Catalogue
from infra.dead_letters import Client, line
from infra.dead_letters.queues import Letter, address, attribute


def called(client: Client, function: str, event: Any) -> tuple[Any, str]:
    """What a function answers to an event, and why it failed, if it did."""
    payload = json.dumps(event, ensure_ascii=False).encode()
    reply = client("lambda").invoke(FunctionName=names.function(function), Payload=payload)
    answer = json.loads(reply["Payload"].read() or b"null")
    if reply.get("FunctionError"):
        kind = answer.get("errorType") if isinstance(answer, dict) else None
        return None, line(f"{function} failed: {kind or reply['FunctionError']}")
    return answer, ""


@dataclass(frozen=True, slots=True)
class Url:
    """What SNS posts to a function's URL: the function verifies its signature as ever."""

    function: str
    client: Client

    def take(self, letters: Sequence[Letter]) -> dict[str, str]:
        answers = {letter["MessageId"]: called(self.client, self.function, posted(letter)) for letter in letters}
        return {name: why for name, (answer, failed) in answers.items() if (why := failed or _refusal(answer))}

    def reason(self, letter: Letter) -> str:
        return "SNS had no answer from the URL"


def posted(letter: Letter) -> dict[str, Any]:
    """The event of a function URL to which the letter's body is posted."""
    http = {"method": "POST", "path": "/", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"content-type": "text/plain; charset=UTF-8"},
        "requestContext": {"http": http},
        "body": letter["Body"],
        "isBase64Encoded": False,
    }


def _refusal(answer: Any) -> str:
    status = int(answer["statusCode"])
    return "" if status < 300 else line(f"refused with {status}: {answer.get('body', '')}")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Events of the bus, runs by the clock and one-off schedules that reached nobody."""

    catalogue: Catalogue
    client: Client

    def take(self, letters: Sequence[Letter]) -> dict[str, str]:
        refused = {letter["MessageId"]: self._taken(letter) for letter in letters}
        return {name: why for name, why in refused.items() if why}

    def reason(self, letter: Letter) -> str:
        """As EventBridge, its Scheduler or Lambda says."""
        spoken = [attribute(letter, name) for name in ("ERROR_CODE", "ERROR_MESSAGE", "ErrorCode", "ErrorMessage")]
        return line(": ".join(part for part in spoken if part))

    def _taken(self, letter: Letter) -> str:
        target = attribute(letter, "TARGET_ARN")
        if ":sqs:" in target:
            url = address(self.client, target.rpartition(":")[2])
            if url is None:
                return line(f"there is no queue {target}")
            self.client("sqs").send_message(QueueUrl=url, MessageBody=letter["Body"])
            return ""
        try:
            event = json.loads(letter["Body"])
        except ValueError:
            return "is no event"
        takers = self._takers(target, event if isinstance(event, dict) else {})
        if not takers:
            return line(f"nobody listens to it: {event.get('detail-type') if isinstance(event, dict) else 'no event'}")
        return "; ".join(why for taker in takers if (why := called(self.client, taker, event)[1]))

    def _takers(self, target: str, event: Mapping[str, Any]) -> list[str]:
        """The functions that it was for. Lambda's own letters do not say whose they are; the event does: by the rule
        that made it, or by its type (a listener that hears it twice does nothing)."""
        named = {names.function(found.name): found.name for found in self.catalogue.functions}
        rules = [resource.rpartition("/")[2] for resource in event.get("resources", ())]
        direct = [named[name] for name in (target.rpartition(":function:")[2], *rules) if name in named]
        if direct:
            return direct[:1]
        type_ = event.get("detail-type")
        return [found.name for found in self.catalogue.functions if type_ in found.declaration.events]
