"""What a tenant wants its campaigns to reach."""

from pydantic import Field

from drumbeat.fields import Body


class KpiTargets(Body):
    """Rates are fractions, as in a campaign's performance; what is left out has the documented value
    (getit-marketing.md, 7.1 and 7.3). `unsubscribe_rate` is what a campaign must stay below, all others what it must
    reach. `romi` is the return on marketing investment, (revenue - cost) / cost."""

    delivery_rate: float = Field(default=0.95, ge=0, le=1)
    open_rate: float = Field(default=0.25, ge=0, le=1)
    click_rate: float = Field(default=0.03, ge=0, le=1)
    conversion_rate: float = Field(default=0.01, ge=0, le=1)
    unsubscribe_rate: float = Field(default=0.005, gt=0, le=1)
    romi: float = Field(default=4.0, ge=0, le=1000)
