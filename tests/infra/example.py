"""A deployment with a function of every kind, and as many more as a test asks for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from drumbeat.declare import Declaration, Files, Function, Machine, Queue

from infra.discovery import Found
from infra.grants import EdgeEntities


class Parcel:
    TYPE: ClassVar[str] = "PARCEL"
    INDEX_TYPES: ClassVar[dict[str, str]] = {"gsi1": "PARCELS", "gsi2": "DUE"}


class Stamp:
    TYPE: ClassVar[str] = "STAMP"
    INDEX_TYPES: ClassVar[dict[str, str]] = {}


class Key:
    TYPE: ClassVar[str] = "APIKEY"
    INDEX_TYPES: ClassVar[dict[str, str]] = {}


class Rate:
    TYPE: ClassVar[str] = "RATE"
    INDEX_TYPES: ClassVar[dict[str, str]] = {}


EDGE = EdgeEntities(reads=(Key,), writes=(Rate,), public_writes=(Rate,))
PARCELS, RECEIPTS = Queue("parcels"), Queue("receipts")
SORT = Machine("sort")


@dataclass(frozen=True)
class Row:
    """A documented route, as far as discovery goes."""

    route: str
    function: str


def declaration(kind: Any, name: str, **more: Any) -> Declaration:
    return Declaration(kind=kind, name=name, summary=f"Do {name}.", refusals="", **more)


DECLARATIONS = (
    declaration(
        "http", "post.create_parcel", route="POST /v1/parcels/{parcel_id}", scope="parcels:write", reads=(Stamp,),
        writes=(Parcel,), sends=(PARCELS,), publishes=("parcel.created",), starts=(SORT,), schedules=(PARCELS,),
        files=(Files("imports", write=False), Files("exports")), calls=("ses:GetAccount", "ses:SendBulkEmail"),
    ),
    declaration("http", "post.log_in", route="POST /v1/auth/login", signs=True, writes=(Stamp,)),
    declaration("http", "post.not_found", route="$default"),
    declaration("queue", "post.carry_parcel", queue=PARCELS, batch=10, concurrency=5, timeout=60, writes=(Parcel,)),
    declaration("task", "post.sort_parcels", machine=SORT, writes=(Parcel,), timeout=300),
    declaration("operator", "post.repair_parcels", writes=(Parcel,), calls=("sqs:GetQueueAttributes",)),
    declaration("queue", "office.apply_receipts", queue=RECEIPTS, batch=100, window=10, topics=("deliveries",)),
    declaration("url", "office.receive_complaints", topics=("bounces",), calls=("sns:ConfirmSubscription",)),
    declaration("schedule", "office.sweep_parcels", every="rate(1 hour)", reads=(Parcel,)),
    declaration("on", "office.greet_sender", events=("parcel.created",), writes=(Stamp,)),
    declaration(
        "stream", "office.forward_events", stream_types=("OUTBOX", "PARCEL"),
        stream_where={"PARCEL": ["bus", "N", "1"]}, batch=100, window=1, calls=("events:PutEvents",),
    ),
)  # fmt: skip
DOCUMENTED = {"post.create_parcel": {"POST /api/parcels": "post_office", "PUT /api/parcels/{id}": "post_office"}}


def found(folder: Path, declared: Declaration) -> Found:
    """The function of a declaration, with a file of its own under `folder`."""
    path = folder / declared.context / f"{declared.name.split('.')[1]}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""{declared.summary}"""\n')

    def rule() -> None:
        """Nothing is called here: only what is declared matters."""

    return Found(declared, path, Function(declared, rule, lambda event, context: None))


def many(count: int) -> list[Declaration]:
    """Endpoints, ten a context."""
    return [
        declaration(
            "http", f"many{number // 10}.get_thing{number}", route=f"GET /v1/things{number}", scope="a", reads=(Parcel,)
        )
        for number in range(count)
    ]
