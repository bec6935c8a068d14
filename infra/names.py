"""Names of what is deployed. All follow from declarations: a stack can name another's resources without importing them.

Only what AWS names itself (the API, the table's stream, the keys) crosses stacks, as an export of the base.
Those live as long as the deployment; an export of what may go away would block the deploy that removes it.
"""

from typing import Any

PREFIX = "drumbeat"
TABLE = PREFIX
INDEXES = ("gsi1", "gsi2", "gsi3")
BUS = PREFIX
EVENT_SOURCE = PREFIX  # of what we say; see drumbeat.activity.forwarding
SCHEDULE_GROUP = PREFIX
CONFIGURATION_SET = PREFIX
SCHEDULER_ROLE = f"{PREFIX}-scheduler-" + "${AWS::Region}"
BUCKET = f"{PREFIX}-data-" + "${AWS::AccountId}-${AWS::Region}"
UNDELIVERED = f"{PREFIX}-undelivered"
ALARMS = f"{PREFIX}-alarms"
SIGNING_KEY_ALIAS = f"alias/{PREFIX}-signing"
SUPPRESSION_KEY_ALIAS = f"alias/{PREFIX}-suppression"
BASE_STACK = f"{PREFIX}-base"
EDGE_STACK = f"{PREFIX}-edge"

EXPORT_API = f"{PREFIX}-api"
EXPORT_STREAM = f"{PREFIX}-stream"
EXPORT_SIGNING_KEY = f"{PREFIX}-signing-key"
EXPORT_SUPPRESSION_KEY = f"{PREFIX}-suppression-key"

Intrinsic = dict[str, Any]


def sub(text: str) -> Intrinsic:
    """CloudFormation's `Fn::Sub`: fills in `${AWS::Region}` and the like."""
    return {"Fn::Sub": text}


def arn(service: str, resource: str) -> str:
    """An ARN in this account and region, for `sub`."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"


def stack(context: str) -> str:
    return f"{PREFIX}-{context}"


def function(name: str) -> str:
    """`contacts.create_contact` → `drumbeat-contacts-create_contact`. Lambda allows 64 letters."""
    return f"{PREFIX}-{name.replace('.', '-')}"


def function_arn(name: str) -> str:
    return arn("lambda", f"function:{function(name)}")


def queue(name: str) -> str:
    return f"{PREFIX}-{name}"


def dead_letters(name: str) -> str:
    """The dead-letter queue of a queue."""
    return f"{PREFIX}-{name}-dead"


def undelivered_topic(name: str) -> str:
    """The dead-letter queue of a topic's subscription; `name` is the subscribing queue or function."""
    return f"{PREFIX}-{name.replace('.', '-')}-unsubscribed"


def queue_arn(full_name: str) -> str:
    return arn("sqs", full_name)


def queue_url(full_name: str) -> str:
    return f"https://sqs.${{AWS::Region}}.${{AWS::URLSuffix}}/${{AWS::AccountId}}/{full_name}"


def topic(name: str) -> str:
    return f"{PREFIX}-{name}"


def topic_arn(name: str) -> str:
    return arn("sns", topic(name))


def machine(name: str) -> str:
    return f"{PREFIX}-{name}"


def machine_arn(name: str) -> str:
    return arn("states", f"stateMachine:{machine(name)}")


def table_arn() -> str:
    return arn("dynamodb", f"table/{TABLE}")


def bucket_arn() -> str:
    return f"arn:${{AWS::Partition}}:s3:::{BUCKET}"


def bus_arn() -> str:
    return arn("events", f"event-bus/{BUS}")


def scheduler_role_arn() -> str:
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{SCHEDULER_ROLE}"


def log_group(context: str) -> str:
    """The functions of a context share one log group: their metric filters and retention are then one, too."""
    return f"/{PREFIX}/{context}"


def logical(name: str) -> str:
    """A CloudFormation id of a name: `contacts.create_contact` → `ContactsCreateContact`."""
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
