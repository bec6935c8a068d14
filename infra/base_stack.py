"""`drumbeat-base`: what all contexts share and what holds data: table, bus, bucket, queues, API and signing key."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra import grants, messaging, names
from infra.catalogue import Catalogue
from infra.intrinsics import sub, text

# Days that files live, by folder. Folders that are not here keep their files until someone deletes them.
TEMPORARY = {"tmp": 1, "uploads": 7, "imports": 30, "exports": 7, "privacy": 7, grants.FAILED_RECORDS: 30}

# What the account's own administrators may do with the signing key: all that its owner needs, by name.
KEY_ADMINISTRATION = (
    "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DescribeKey", "DisableKey", "EnableKey", "GetKeyPolicy",
    "GetKeyRotationStatus", "GetPublicKey", "ListKeyPolicies", "ListResourceTags", "PutKeyPolicy",
    "ScheduleKeyDeletion", "Sign", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription", "Verify",
)  # fmt: skip


class BaseStack(cdk.Stack):
    """Everything here has a name that follows from the code; what AWS names itself is exported."""

    def __init__(self, scope: Construct, catalogue: Catalogue) -> None:
        super().__init__(scope, names.BASE_STACK, description="Drumbeat: table, bus, queues, bucket, API")
        _table(self)
        _bucket(self)
        _signing_key(self)
        _suppression_key(self)
        _api(self)
        events.CfnEventBus(self, "Bus", name=names.BUS)
        _scheduler(self, catalogue)
        messaging.build(self, catalogue)


def _export(stack: cdk.Stack, name: str, value: str) -> None:
    cdk.CfnOutput(stack, f"{names.logical(name)}Export", value=value, export_name=name)


def _table(stack: cdk.Stack) -> None:
    def keys(prefix: str) -> list[dynamodb.CfnTable.KeySchemaProperty]:
        pairs = ((f"{prefix}pk", "HASH"), (f"{prefix}sk", "RANGE"))
        return [dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=type_) for name, type_ in pairs]

    attributes = [f"{prefix}{key}" for prefix in ("", *names.INDEXES) for key in ("pk", "sk")]
    table = dynamodb.CfnTable(
        stack,
        "Table",
        table_name=names.TABLE,
        billing_mode="PAY_PER_REQUEST",
        key_schema=keys(""),
        attribute_definitions=[
            dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")
            for name in attributes
        ],
        global_secondary_indexes=[
            dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                index_name=index,
                key_schema=keys(index),
                projection=dynamodb.CfnTable.ProjectionProperty(projection_type="KEYS_ONLY"),
            )
            for index in names.INDEXES
        ],
        stream_specification=dynamodb.CfnTable.StreamSpecificationProperty(stream_view_type="NEW_AND_OLD_IMAGES"),
        point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
            enabled=True, attribute_name="ttl"
        ),
        deletion_protection_enabled=True,
    )
    table.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    _export(stack, names.EXPORT_STREAM, table.attr_stream_arn)


def _bucket(stack: cdk.Stack) -> None:
    """Tenants' files. Browsers put them through presigned links, which is why PUT is open to any origin."""
    rules = [
        s3.CfnBucket.RuleProperty(
            id=folder.replace("/", "-"), status="Enabled", prefix=f"{folder}/", expiration_in_days=days
        )
        for folder, days in TEMPORARY.items()
    ]
    unfinished = s3.CfnBucket.AbortIncompleteMultipartUploadProperty(days_after_initiation=1)
    encrypted = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="AES256")
    bucket = s3.CfnBucket(
        stack,
        "Bucket",
        bucket_name=sub(names.BUCKET),
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(server_side_encryption_by_default=encrypted)
            ]
        ),
        public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
            rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
        lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                *rules,
                s3.CfnBucket.RuleProperty(
                    id="unfinished", status="Enabled", abort_incomplete_multipart_upload=unfinished
                ),
            ]
        ),
        cors_configuration=s3.CfnBucket.CorsConfigurationProperty(
            cors_rules=[
                s3.CfnBucket.CorsRuleProperty(
                    allowed_methods=["PUT"], allowed_origins=["*"], allowed_headers=["content-type"], max_age=3000
                )
            ]
        ),
    )
    bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    statement = messaging.encrypted_only("s3:*", [bucket.attr_arn, f"{bucket.attr_arn}/*"])
    s3.CfnBucketPolicy(stack, "BucketPolicy", bucket=bucket.ref, policy_document=grants.document([statement]))


def _signing_key(stack: cdk.Stack) -> None:
    """ES256. The private half never leaves KMS; every function gets the public half at deployment."""
    owner = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    actions = [f"kms:{action}" for action in KEY_ADMINISTRATION]
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": owner, "Action": actions, "Resource": "*"}
    key = kms.CfnKey(
        stack,
        "SigningKey",
        description="Drumbeat: signs the tokens of people who log in",
        key_spec="ECC_NIST_P256",
        key_usage="SIGN_VERIFY",
        key_policy=grants.document([statement]),
    )
    key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    kms.CfnAlias(stack, "SigningKeyAlias", alias_name=names.SIGNING_KEY_ALIAS, target_key_id=key.ref)
    _export(stack, names.EXPORT_SIGNING_KEY, key.attr_arn)
    cdk.CfnOutput(stack, "SigningKeyId", value=key.ref)


def _suppression_key(stack: cdk.Stack) -> None:
    """HMAC-256, for the hashes of erased people's addresses. It never leaves KMS, and is as old as the hashes: lost or
    changed, their addresses would be unknown."""
    owner = {"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    actions = [f"kms:{action}" for action in (*KEY_ADMINISTRATION, "GenerateMac", "VerifyMac")]
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": owner, "Action": actions, "Resource": "*"}
    key = kms.CfnKey(
        stack,
        "SuppressionKey",
        description="Drumbeat: hashes the addresses of people whose data was erased",
        key_spec="HMAC_256",
        key_usage="GENERATE_VERIFY_MAC",
        key_policy=grants.document([statement]),
    )
    key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    kms.CfnAlias(stack, "SuppressionKeyAlias", alias_name=names.SUPPRESSION_KEY_ALIAS, target_key_id=key.ref)
    _export(stack, names.EXPORT_SUPPRESSION_KEY, key.attr_arn)


def _api(stack: cdk.Stack) -> None:
    """The HTTP API without routes: each context adds its own. Functions answer CORS where browsers call."""
    api = apigateway.CfnApi(stack, "Api", name=names.PREFIX, protocol_type="HTTP", description="Drumbeat")
    _export(stack, names.EXPORT_API, api.ref)
    cdk.CfnOutput(stack, "ApiUrl", value=api.attr_api_endpoint)


def _scheduler(stack: cdk.Stack, catalogue: Catalogue) -> None:
    """One-off schedules: their group, and the role in which the scheduler puts messages on queues."""
    scheduler.CfnScheduleGroup(stack, "Schedules", name=names.SCHEDULE_GROUP)
    queues = [names.UNDELIVERED, *map(names.queue, catalogue.scheduled_queues)]
    own_account = {"StringEquals": {"aws:SourceAccount": text({"Ref": "AWS::AccountId"})}}
    statement = grants.allow(["sqs:SendMessage"], map(names.queue_arn, queues))
    iam.CfnRole(
        stack,
        "SchedulerRole",
        role_name=sub(names.SCHEDULER_ROLE),
        assume_role_policy_document=grants.trust("scheduler.amazonaws.com", own_account),
        policies=[iam.CfnRole.PolicyProperty(policy_name="send", policy_document=grants.document([statement]))],
    )
