"""Tell whether the parts that everything needs can be reached."""

from drumbeat import health
from drumbeat.health import Health
from drumbeat.http import Answer, Request, http


@http("GET /health", calls=("dynamodb:DescribeTable", "events:DescribeEventBus", "sqs:GetQueueAttributes"))
def handler(request: Request) -> Answer[Health]:
    """503 with the failing component named when the table, the bus or the queues cannot be reached."""
    return health.answer(health.check())
