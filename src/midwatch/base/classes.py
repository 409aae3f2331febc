"""The classifications that runbooks, policy, effects and the journal share."""

from enum import StrEnum


class EffectClass(StrEnum):
    """What a tool may do to the world; a chain takes the highest."""

    READ = "read"
    WRITE = "write"
    IRREVERSIBLE = "irreversible"


class RetryClass(StrEnum):
    """What may be done when nobody saw whether a call happened.

    `idempotent` and `keyed` calls may be dispatched again under the same key, `probe` asks the
    world first, `unsafe` is never dispatched again by itself.
    """

    IDEMPOTENT = "idempotent"
    KEYED = "keyed"
    PROBE = "probe"
    UNSAFE = "unsafe"


class Mode(StrEnum):
    """How far an agent may go on its own; a person sets it."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    APPROVE = "approve"
    AUTO = "auto"


class Profile(StrEnum):
    """Who may answer: `solo` lets the requester approve what can be undone, `team` never does."""

    SOLO = "solo"
    TEAM = "team"


class Integrity(StrEnum):
    """Where a value comes from, most trusted first."""

    TRUSTED = "trusted"
    OPERATOR = "operator"
    TOOL = "tool"
    UNTRUSTED = "untrusted"


class Confidentiality(StrEnum):
    """Who may see a value, widest audience first."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SECRET = "secret"


class Outcome(StrEnum):
    """How a run ends."""

    RESOLVED = "resolved"
    NO_ACTION = "no_action"
    ESCALATED = "escalated"
    FAILED = "failed"
    CANCELLED = "cancelled"
