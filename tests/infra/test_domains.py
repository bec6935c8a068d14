"""A tenant's own tracking domain, from the deployment's configuration to the API's stage."""

import dataclasses
import json
from pathlib import Path

import aws_cdk as cdk
import pytest

from infra import domains, grants
from infra.catalogue import checked
from infra.discovery import Mistake
from tests.infra import example
from tests.infra.conftest import parts, synthesized

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def test_a_configured_domain_leads_to_the_api_and_functions_know_its_target(tmp_path: Path) -> None:
    declared = example.declaration("http", "deliverability.get_domain", route="GET /v1/tracking-domain", scope="a")
    catalogue = checked([example.found(tmp_path / "functions", declared)], {})
    given = dataclasses.replace(parts(tmp_path), tracking_domains={"links.acme.example": CERTIFICATE})

    made = synthesized(tmp_path, catalogue, given)

    resources = made["drumbeat-deliverability"]["Resources"]
    (domain,) = (id_ for id_, one in resources.items() if one["Type"] == "AWS::ApiGatewayV2::DomainName")
    function = resources["DeliverabilityGetDomain"]["Properties"]["Environment"]["Variables"]
    assert {"Fn::GetAtt": [domain, "RegionalDomainName"]} in function["TRACKING_DOMAINS"]["Fn::Join"][1]
    (mapping,) = (
        one for one in made["drumbeat-edge"]["Resources"].values() if one["Type"] == "AWS::ApiGatewayV2::ApiMapping"
    )
    assert (mapping["Properties"]["DomainName"], mapping["DependsOn"]) == ("links.acme.example", ["Stage"])
    assert mapping["Properties"]["Stage"] == "$default"


def test_domains_are_read_from_the_context() -> None:
    said = {"links.acme.example": CERTIFICATE}

    assert domains.configured(cdk.App(context={"tracking_domains": said})) == said
    assert domains.configured(cdk.App(context={"tracking_domains": f"Links.acme.example={CERTIFICATE}"})) == said
    assert domains.configured(cdk.App()) == {}
    with pytest.raises(Mistake, match="its certificate"):
        domains.configured(cdk.App(context={"tracking_domains": "links.acme.example"}))


def test_sending_identities_have_their_grants() -> None:
    declared = example.declaration("operator", "x.one", calls=("ses:CreateConfigurationSet", "ses:SendBulkEmail"))
    said = json.dumps(grants.statements(declared, example.EDGE))

    assert "configuration-set/drumbeat-sid_*" in said
    assert "configuration-set/*" not in said
