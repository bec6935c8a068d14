"""A send as `GET /v1/sends/{id}` shows it: how far it is, what is in doubt, and what holds it up."""

from drumbeat.fields import Instant, View


class PolicyView(View):
    """What happens to recipients of whom nobody knows whether they were sent: looked for during `grace_seconds`, and
    then sent again (`after_grace`) or given up (`never`)."""

    unknown: str
    grace_seconds: int


class AudienceView(View):
    """Who it goes to, frozen at the launch. `size` is exact when `planned` is true; then `recipients` sum to it."""

    segments: list[str]
    exclude: list[str]
    everyone: bool
    size: int
    planned: bool


class ChunksView(View):
    """Provider requests that have one state, and when the next of them is due."""

    count: int
    next_due_at: Instant | None


class OpenChunkView(View):
    """One of the chunks that are due next: `recipients` of it are open. `attempts` are claims."""

    shard: int
    number: int
    state: str
    due_at: Instant
    recipients: int
    in_doubt: int
    attempts: int


class HeldView(View):
    """Recipients who wait for a better moment: because of `quiet_hours` where they are, or a `frequency_cap`. The first
    of them get it at `until`."""

    reason: str
    recipients: int
    until: Instant


class UnknownView(View):
    """Recipients of whom nobody knows whether they were sent: since when, at the longest; when the next look is; when
    the last grace of those who are in doubt by then ends at the earliest."""

    recipients: int
    since: Instant | None
    next_look_at: Instant | None
    grace_ends_at: Instant | None


class SettledView(View):
    """Recipients who were in doubt: settled by a provider's event, by asking the provider, or by the end of the grace
    (`sent_again`, `given_up`)."""

    by_events: int
    by_asking: int
    sent_again: int
    given_up: int


class PlannerView(View):
    """Who writes the chunks: shards of the audience that are planned, and its last sign of life."""

    shards: int
    shards_planned: int
    last_step_at: Instant | None


class GovernorView(View):
    """Who releases the chunks, for all sends of the provider account.

    `rate` is what the account may send in a second, `rate_now` what it is given: less after it was throttled
    (`slowed_at`, `slowed_because`), growing back. Nothing is released until `held_until`, because of `held_because`.
    `released_until` is how far the account's time is given away, `daily_quota_left` what is left of its day.
    """

    account: str
    rate: float
    rate_now: float
    slowed_at: Instant | None
    slowed_because: str | None
    held_until: Instant | None
    held_because: str | None
    released_until: Instant | None
    daily_quota_left: int | None
    quota_checked_at: Instant | None
    generation: int
    last_step_at: Instant | None
    restarted_at: Instant | None


class CircuitView(View):
    """Whether calls to the provider are made: `closed`, `open` since an outage began (until the next probe), or
    `half_open` while one chunk is the probe."""

    state: str
    since: Instant | None
    until: Instant | None
    failures_in_a_row: int
    last_failure_at: Instant | None
    last_reason: str | None


class SweeperView(View):
    """Who finds what was lost: its last look at this send, and when it last started what again."""

    last_look_at: Instant | None
    restarted: dict[str, Instant]


class StopView(View):
    """Why the send was paused by itself: the figures and, in `reasons`, the rates that passed their `limits`. `scope`
    says whose figures they are: this send's, all of the tenant's from shared senders, or its sending identity's."""

    at: Instant
    scope: str
    sent: int
    bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float
    reasons: list[str]
    limits: dict[str, float]


class EnvironmentView(View):
    """Which table the send was launched or adopted in, and whether the data is at home. A restored copy sends nothing
    until it is adopted."""

    launched_in: str | None
    this: str
    is_home: bool


class SendView(View):
    """A send. `recipients` are counted by what became of them, true at `as_of`; `open` have not been sent yet, of
    `unknown` nobody knows. `waiting_for` says what holds it up, in words. It leaves over
    `account`, and what that does not send for sure over `fallback`: all of it, if the first one refuses the send, as
    `fallback_reason` says."""

    id: str
    campaign_id: str
    state: str
    reason: str | None
    waiting_for: list[str]
    launched_at: Instant
    finished_at: Instant | None
    expires_at: Instant | None
    as_of: Instant
    policy: PolicyView
    audience: AudienceView
    account: str
    fallback: str | None
    fallback_reason: str | None
    sent_by_account: dict[str, int]
    recipients: dict[str, int]
    chunks: dict[str, ChunksView]
    next_chunks: list[OpenChunkView]
    held: list[HeldView]
    unknown: UnknownView
    settled: SettledView
    planner: PlannerView
    governor: GovernorView
    circuit: CircuitView
    sweeper: SweeperView
    stopped: StopView | None
    environment: EnvironmentView
