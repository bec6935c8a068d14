"""What a tenant wants its campaigns to reach."""

from pydantic import Field

from drumbeat.fields import Body


class SmsTargets(Body):
    """What campaigns of text messages are to reach (getit-marketing.md, 7.2); `opt_out_rate` is what they must stay
    below, and so is `cost_per_conversion`, in the account's currency, where it is set."""

    delivery_rate: float = Field(default=0.98, ge=0, le=1)
    click_rate: float = Field(default=0.10, ge=0, le=1)
    opt_out_rate: float = Field(default=0.01, gt=0, le=1)
    response_rate: float = Field(default=0.15, ge=0, le=1)
    cost_per_conversion: float | None = Field(default=None, gt=0, le=1e9)


class KpiTargets(Body):
    """Rates are fractions, as in a campaign's performance; what is left out has the documented value
    (getit-marketing.md, 7.1 and 7.3). `unsubscribe_rate` is what a campaign must stay below, all others what it must
    reach. `romi` is the return on marketing investment, (revenue - cost) / cost. Those of mails are here, those of text
    messages in `sms`."""

    delivery_rate: float = Field(default=0.95, ge=0, le=1)
    open_rate: float = Field(default=0.25, ge=0, le=1)
    click_rate: float = Field(default=0.03, ge=0, le=1)
    conversion_rate: float = Field(default=0.01, ge=0, le=1)
    unsubscribe_rate: float = Field(default=0.005, gt=0, le=1)
    romi: float = Field(default=4.0, ge=0, le=1000)
    sms: SmsTargets = SmsTargets()
