"""Tell whether the parts that everything needs can be reached."""

from drumbeat import health
from drumbeat.health import Health
from drumbeat.http import Answer, Request, http
from drumbeat.sends.environment import Environment


@http(
    "GET /health",
    reads=(Environment,),
    calls=("dynamodb:DescribeTable", "events:DescribeEventBus", "sqs:GetQueueAttributes"),
)
def handler(request: Request) -> Answer[Health]:
    """503 with the failing component named when the table, the bus or the queues cannot be reached, and while nothing
    is sent because the data is a restored copy."""
    return health.answer(health.check())
