"""`drumbeat-edge`: the API's stage, last: it goes live when all routes are there. Throttling, access log, dashboard."""

import json
from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import domains, monitoring, names
from infra.catalogue import Catalogue
from infra.intrinsics import imported

# For the whole deployment, against floods; credentials have their own limits, which http.py keeps exactly.
REQUESTS_A_SECOND = 2_000
BURST = 4_000

ACCESS = {
    "request_id": "$context.requestId", "time": "$context.requestTime", "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey", "status": "$context.status", "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency", "bytes": "$context.responseLength",
    "error": "$context.integrationErrorMessage",
}  # fmt: skip


class EdgeStack(cdk.Stack):
    """Stage and dashboard of the API."""

    def __init__(self, scope: Construct, catalogue: Catalogue, tracking_domains: Iterable[str] = ()) -> None:
        super().__init__(scope, names.EDGE_STACK, description="Drumbeat: stage, throttling, dashboard")
        log = logs.CfnLogGroup(
            self, "AccessLog", log_group_name=f"/aws/vendedlogs/{names.PREFIX}/access", retention_in_days=30
        )
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=imported(names.EXPORT_API),
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=REQUESTS_A_SECOND, throttling_burst_limit=BURST
            ),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.attr_arn, format=json.dumps(ACCESS)
            ),
        )
        domains.map_to_stage(self, tracking_domains, stage)
        monitoring.watch_edge(self)
        monitoring.dashboard(self, [names.queue(name) for name in sorted(catalogue.consumers)])
