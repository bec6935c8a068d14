"""Who may use the product.

pk                            sk          gsi1pk              gsi1sk
TENANT#<tenant>               TENANT      TENANTS#all         <tenant>
USER#<tenant>#<user>          USER        USERS#<tenant>      <created_at>#<user>
LOGIN#<e-mail, folded>        LOGIN       -                   -                      claims an e-mail, of all tenants
INVITE#<hash of the token>    INVITE      -                   -                      an invitation or a reset, used once
APIKEY#<key id>               APIKEY      APIKEYS#<tenant>    <created_at>#<key id>
SEQUENCE#<tenant>#<kind>      SEQUENCE    -                   -                      numbers that dialects show as ids

TENANT, LOGIN, INVITE and APIKEY are GLOBAL: they are read to learn which tenant it is.
"""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeSetAttribute

from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index


class Tenant(Entity):
    """A company that uses this deployment. `settings` is an `accounts.settings.Settings` as JSON."""

    TYPE = "TENANT"
    GLOBAL = True
    INDEX_TYPES = {"gsi1": "TENANTS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    active = BooleanAttribute(default=True)
    settings = JSONAttribute(default=dict)
    limits = JSONAttribute(default=dict)
    created_at = InstantAttribute()

    @staticmethod
    def key(tenant: str) -> tuple[str, str]:
        return f"TENANT#{tenant}", "TENANT"


class User(Entity):
    """A person who signs in. `state` is invited, active or inactive; only an active user has a way in.

    `session` changes with the password and with deactivation: tokens that carry an older one are refused.
    """

    TYPE = "USER"
    INDEX_TYPES = {"gsi1": "USERS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    user = UnicodeAttribute()
    number = NumberAttribute()
    email = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    role = UnicodeAttribute()
    state = UnicodeAttribute()
    session = NumberAttribute(default=1)
    password = UnicodeAttribute(null=True)
    salt = UnicodeAttribute(null=True)
    reset_request = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    last_login_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, user: str) -> tuple[str, str]:
        return f"USER#{tenant}#{user}", "USER"


class Login(Entity):
    """Claims an e-mail address for one user."""

    TYPE = "LOGIN"
    GLOBAL = True

    tenant = UnicodeAttribute()
    user = UnicodeAttribute()

    @staticmethod
    def key(email: str) -> tuple[str, str]:
        return f"LOGIN#{email.strip().casefold()}", "LOGIN"


class Invite(Entity):
    """A link that lets one person set a password: an invitation or a reset. Only its hash is stored.

    It holds for the `session` that it was made for: when the password changes, all older links are void.
    """

    TYPE = "INVITE"
    GLOBAL = True

    tenant = UnicodeAttribute()
    user = UnicodeAttribute()
    purpose = UnicodeAttribute()
    session = NumberAttribute()
    expires_at = InstantAttribute()
    ttl = NumberAttribute()

    @staticmethod
    def key(token_hash: str) -> tuple[str, str]:
        return f"INVITE#{token_hash}", "INVITE"


class ApiKey(Entity):
    """A credential for programs, `db_live_<id>_<secret>`. The secret's SHA-256 is stored: it has 256 bits of chance, so
    a slow hash would add nothing.

    Rotation makes a second key: the old one names it in `replaced_by`, the new one names the old in `replaces`.
    """

    TYPE = "APIKEY"
    GLOBAL = True
    INDEX_TYPES = {"gsi1": "APIKEYS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    key_id = UnicodeAttribute()
    name = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    salt = UnicodeAttribute(null=True)
    scopes = UnicodeSetAttribute()
    limits = JSONAttribute(default=dict)
    state = UnicodeAttribute(default="active")
    replaces = UnicodeAttribute(null=True)
    replaced_by = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    expires_at = InstantAttribute(null=True)

    @staticmethod
    def key(key_id: str) -> tuple[str, str]:
        return f"APIKEY#{key_id}", "APIKEY"


class Sequence(Entity):
    """Counts the objects of a kind in a tenant, so that a dialect can show a number as an id."""

    TYPE = "SEQUENCE"

    last = NumberAttribute()

    @staticmethod
    def key(tenant: str, kind: str) -> tuple[str, str]:
        return f"SEQUENCE#{tenant}#{kind}", "SEQUENCE"


def next_number(tenant: str, kind: str) -> int:
    """The next number of a kind: 1, 2, 3, … A number is never given twice; one may be left out."""
    after = Sequence.change_at(*Sequence.key(tenant, kind), Sequence.last.add(1))
    return int(after["last"]["N"])
