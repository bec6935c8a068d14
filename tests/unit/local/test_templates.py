"""What the local stack reads out of the templates."""

import json
from pathlib import Path

import pytest

from infra.local import deployment, templates

TEMPLATE = {
    "Resources": {
        "Deliveries": {
            "Type": "AWS::SES::ConfigurationSetEventDestination",
            "Properties": {
                "EventDestination": {
                    "MatchingEventTypes": ["DELIVERY"],
                    "SnsDestination": {"TopicARN": {"Fn::Sub": "arn:aws:sns:${AWS::Region}:1:drumbeat-deliveries"}},
                }
            },
        }
    },
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TEMPLATES", tmp_path)
    (tmp_path / "drumbeat-contacts.template.json").write_text(json.dumps(TEMPLATE))


@pytest.mark.usefixtures("written")
def test_what_ses_reports_and_where() -> None:
    assert templates.mail_events("drumbeat-contacts") == {"drumbeat-deliveries": ["DELIVERY"]}


def test_names_come_back_as_ours() -> None:
    assert deployment._ours("drumbeat-contacts-create_contact") == "contacts.create_contact"
    assert deployment._short("http://localhost:1/000000000000/drumbeat-chunks-dead") == "chunks-dead"
    assert deployment._short("arn:aws:states:us-east-1:1:stateMachine:drumbeat-dispatch") == "dispatch"


def test_a_changed_source_makes_other_templates(tmp_path: Path) -> None:
    source = tmp_path / "functions" / "contacts" / "create_contact.py"
    source.parent.mkdir(parents=True)
    source.write_text("1")
    before = templates._recipe(tmp_path)
    source.write_text("2")

    assert templates._recipe(tmp_path) != before
