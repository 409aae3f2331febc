"""Keys: one per subject to seal payloads, one to sign checkpoints."""

from typing import Protocol

from midwatch.base.errors import MidwatchError


class Keys(Protocol):
    """Holds key material outside the database, so that no backup of data brings a destroyed key back."""

    def subject_key(self, subject: str, *, create: bool) -> bytes | None:
        """Return the 32 bytes that seal the payloads of `subject`, or None where they were destroyed.

        With `create`, a subject that never had a key gets one, durable before this returns.

        Raises:
            MidwatchError: MW913, without `create`, for a subject that never had a key: a lost key must
                not pass for an erasure.
        """
        ...

    def destroy(self, subject: str) -> None:
        """Destroy the subject's key: its payloads are erased, every proof stays valid."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of this house over `message`."""
        ...

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the Ed25519 public key."""
        ...

    @property
    def origin(self) -> str:
        """The name of this log in its checkpoints, e.g. `midwatch/3f9c…`."""
        ...


class KeyMissingError(MidwatchError):
    """A key that was in use isn't there, and nobody destroyed it through Midwatch."""

    code = "MW913"
    fix = "Restore {path} from the backup of the keys."
