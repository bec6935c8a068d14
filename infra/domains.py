"""Tenants' own tracking domains: custom domains of the API, each with its certificate.

They are configuration of a deployment: `python -m infra.deploy --tracking-domain links.acme.example=arn:aws:acm:…`
(repeated for each, all of them each time), or `"tracking_domains": {"links.acme.example": "arn:aws:acm:…"}` in the
context of cdk.json. The certificate is one of ACM's in the deployment's region. Where the domain's name must point,
the stack's output says, and the API to the tenant.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from constructs import Construct

from infra import names
from infra.discovery import Mistake
from infra.intrinsics import imported

if TYPE_CHECKING:
    from infra.context_stack import ContextStack

# Whose functions tell tenants where to point their domains.
CONTEXT = "deliverability"


def configured(scope: Construct) -> dict[str, str]:
    """{domain: ARN of its certificate} of the CDK's context. Raises Mistake for what is not of that form."""
    given = scope.node.try_get_context("tracking_domains") or {}
    pairs = given.items() if isinstance(given, dict) else [item.partition("=")[::2] for item in given.split(",")]
    found = {str(domain).strip().lower(): str(certificate).strip() for domain, certificate in pairs}
    wrong = sorted(domain for domain, certificate in found.items() if not certificate.startswith("arn:"))
    if wrong:
        raise Mistake(f"tracking domains {wrong}: write each as domain=ARN of its certificate")
    return found


def build(stack: "ContextStack") -> dict[str, str]:
    """The custom domains; gives {domain: where its CNAME record must point}."""
    targets = {}
    for domain, certificate in sorted(stack.parts.tracking_domains.items()):
        made = apigateway.CfnDomainName(
            stack,
            f"Domain{names.logical(domain)}",
            domain_name=domain,
            domain_name_configurations=[
                apigateway.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=certificate, endpoint_type="REGIONAL", security_policy="TLS_1_2"
                )
            ],
        )
        targets[domain] = made.attr_regional_domain_name
        cdk.CfnOutput(stack, f"Target{names.logical(domain)}", value=made.attr_regional_domain_name)
    return targets


def map_to_stage(stack: cdk.Stack, tracking_domains: Iterable[str], stage: apigateway.CfnStage) -> None:
    """Let the domains lead to the API. Here, with the stage, because there is none before the first deployment."""
    for domain in sorted(tracking_domains):
        mapping = apigateway.CfnApiMapping(
            stack,
            f"Mapping{names.logical(domain)}",
            api_id=imported(names.EXPORT_API),
            domain_name=domain,
            stage=stage.stage_name,
        )
        mapping.add_resource_dependency(stage)
