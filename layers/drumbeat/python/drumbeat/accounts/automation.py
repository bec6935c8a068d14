"""Whether a tenant may make automation rules and sequences, and how many (mcp-marketing.md, Configuration File)."""

from pydantic import Field

from drumbeat.fields import Body

# What a list of journeys shows at a glance; who needs more of them wants segments, not rules.
MOST = 1_000


class Rules(Body):
    """Automation rules. Switched off, none can be made, and none lets anybody in."""

    enabled: bool = True
    max_rules: int = Field(default=100, ge=0, le=MOST)


class Sequences(Body):
    """E-mail sequences. Switched off, none can be made, and none lets anybody in."""

    enabled: bool = True
    max_sequences: int = Field(default=50, ge=0, le=MOST)
    max_emails_per_sequence: int = Field(default=10, ge=1, le=100)


class Automation(Body):
    """The two switches and the documented limits; what is left out has the documented value."""

    rules: Rules = Rules()
    sequences: Sequences = Sequences()

    def allows(self, kind: str) -> bool:
        """Whether journeys of this kind are switched on."""
        return {"rule": self.rules.enabled, "sequence": self.sequences.enabled}.get(kind, True)
