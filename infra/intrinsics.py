"""CloudFormation's functions as the strings that CDK's typed properties want."""

import aws_cdk as cdk

from infra import names


def text(intrinsic: names.Intrinsic) -> str:
    return cdk.Token.as_string(intrinsic)


def sub(template: str) -> str:
    """`Fn::Sub` of a text with `${AWS::Region}` and the like."""
    return text(names.sub(template))


def imported(export: str) -> str:
    """What `drumbeat-base` exports under this name."""
    return text({"Fn::ImportValue": export})
