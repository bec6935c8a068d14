"""Functions that could send know which table they were deployed for, and the operator can adopt a copy."""

import io
import json
from typing import Any

import pytest

from infra import adopt, names, operators
from tests.infra.conftest import Templates

LABEL = {"Fn::Select": [3, {"Fn::Split": ["/", {"Fn::ImportValue": names.EXPORT_STREAM}]}]}
SENDING = (
    "sends.deliver_chunk", "sends.govern_account", "sends.plan_chunks", "sends.sweep_sends", "sends.adopt_copy",
    "sends.get_send", "campaigns.launch_campaign", "campaigns.launch_scheduled", "campaigns.sweep_schedules",
    "campaigns.send_test", "contacts.send_confirmation", "contacts.sweep_confirmations", "system.get_health",
)  # fmt: skip


@pytest.mark.parametrize("name", SENDING)
def test_whoever_could_send_is_told_the_label_of_the_tables_stream(name: str, real_templates: Templates) -> None:
    """`arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<label>`"""
    function = real_templates[names.stack(name.split(".")[0])]["Resources"][names.logical(name)]
    assert function["Properties"]["Environment"]["Variables"]["ENVIRONMENT_ID"] == LABEL


class Lambda:
    """The operator's function, as far as the command asks it."""

    def __init__(self, answer: dict[str, Any], **more: Any) -> None:
        self.answer, self.more, self.asked = answer, more, ""

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked = f"{asked['FunctionName']} {asked['Payload'].decode()}"
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **self.more}


DONE = {
    "already": False, "from_environment": "2026", "to_environment": "2027", "sends_paused": 2, "schedules_expired": 1,
    "confirmations_stopped": 0,
}  # fmt: skip


def test_the_command_says_what_was_done() -> None:
    function = Lambda({"data": DONE})
    told = adopt.report(adopt.adopt(function, check=False), check=False)
    assert function.asked == 'drumbeat-sends-adopt_copy {"check": false}'
    assert "2 sends are paused, 1 overdue schedules expired" in told
    assert "Nothing is sent" in adopt.report(DONE, check=True)
    assert adopt.report({**DONE, "already": True}, check=False).startswith("at home")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (Lambda({"error": {"code": "RESTORED_COPY", "message": "Deploy again."}}), "RESTORED_COPY: Deploy again."),
        (Lambda({}, FunctionError="Unhandled"), "failed"),
    ],
)
def test_the_command_says_why_it_did_not(function: Lambda, why: str) -> None:
    with pytest.raises(operators.Refused, match=why):
        adopt.adopt(function, check=False)
