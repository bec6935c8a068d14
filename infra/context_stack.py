"""`drumbeat-<context>`: the functions of one context with everything that starts them.

It makes its own versions of both layers: a layer's ARN that another stack imports can never be replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import domains, functions, layers, machines, monitoring, names, triggers
from infra.catalogue import Catalogue
from infra.discovery import Found
from infra.grants import EdgeEntities
from infra.intrinsics import imported, text

LOG_DAYS = 30


@dataclass(frozen=True, slots=True)
class Parts:
    """What a context stack is made of besides its functions: folders of the layers, how much faster days pass, and the
    tenants' tracking domains, each with the ARN of its certificate."""

    code_layer: str
    vendor_layer: str
    edge: EdgeEntities
    time_scale: float = 1
    tracking_domains: Mapping[str, str] = field(default_factory=dict)


class ContextStack(cdk.Stack):
    """Parameters: `PublicUrl`, the base of links in mails (none: the API's own address), `SharedSenders`, the domains
    and addresses that every tenant may send from, and, where there are endpoints, `JwtKeys` ({kid: PEM})."""

    def __init__(self, scope: Construct, context: str, catalogue: Catalogue, parts: Parts) -> None:
        super().__init__(scope, names.stack(context), description=f"Drumbeat: {context}")
        self.context, self.catalogue, self.parts = context, catalogue, parts
        self._parameters()
        self.log_group = logs.CfnLogGroup(
            self, "Log", log_group_name=names.log_group(context), retention_in_days=LOG_DAYS
        )
        self.layers = [self._layer("Code", parts.code_layer), self._layer("Vendor", parts.vendor_layer)]
        self.tracking_targets = domains.build(self) if context == domains.CONTEXT else {}
        made = {found.name: self._deployed(found) for found in catalogue.contexts[context]}
        monitoring.watch_context(self, context, list(catalogue.contexts[context]), self.log_group, made)

    def _deployed(self, found: Found) -> lambda_.CfnFunction:
        function = functions.build(self, found)
        triggers.build(self, found, function)
        if found.declaration.machine:
            machines.build(self, found.declaration.machine, function)
        return function

    def _parameters(self) -> None:
        url = cdk.CfnParameter(self, "PublicUrl", default="", description="Base of links, without a slash at the end")
        given = cdk.CfnCondition(
            self, "HasPublicUrl", expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(url, ""))
        )
        api = {"Api": {"Fn::ImportValue": names.EXPORT_API}}
        own = {"Fn::Sub": ["https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}", api]}
        self.public_url = text({"Fn::If": [given.logical_id, {"Ref": url.logical_id}, own]})
        shared = cdk.CfnParameter(
            self, "SharedSenders", default="", description="Domains and addresses that every tenant may send from"
        )
        self.shared_senders = shared.value_as_string
        # The label of the table's stream, which no other table has, nor this one when a backup is restored to it.
        stream = imported(names.EXPORT_STREAM)  # arn:…:table/<name>/stream/<label>
        self.table_label = cdk.Fn.select(3, cdk.Fn.split("/", stream))
        self.jwt_keys = ""
        if any(found.declaration.kind == "http" for found in self.catalogue.contexts[self.context]):
            keys = cdk.CfnParameter(self, "JwtKeys", default="{}", description="Public keys of tokens: JSON {kid: PEM}")
            self.jwt_keys = keys.value_as_string

    def _layer(self, name: str, folder: str) -> str:
        """The ARN of this stack's version of a layer."""
        asset = assets.Asset(self, f"{name}Asset", path=folder)
        content = lambda_.CfnLayerVersion.ContentProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key)
        layer = lambda_.CfnLayerVersion(
            self,
            f"{name}Layer",
            layer_name=f"{names.stack(self.context)}-{name.lower()}",
            content=content,
            compatible_runtimes=[layers.RUNTIME],
            compatible_architectures=[layers.ARCHITECTURE],
        )
        return layer.ref
