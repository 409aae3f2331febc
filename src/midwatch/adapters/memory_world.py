"""The world beside the store, in memory: keys, hands, tools. Held to the same contracts as the real ones."""

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from midwatch.base.ids import EffectKey, ToolName
from midwatch.effects.manifest import Manifest
from midwatch.ports.keys import KeyMissingError
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome


class MemoryKeys:
    """Keys that live as long as the process."""

    def __init__(self, noise: Callable[[int], bytes]) -> None:
        self._noise = noise
        self._signing = Ed25519PrivateKey.from_private_bytes(noise(32))
        self._subjects: dict[str, bytes | None] = {}

    def subject_key(self, subject: str, *, create: bool) -> bytes | None:
        """Return the subject's key; None where it was destroyed.

        Raises:
            KeyMissingError: MW913, without `create`, where there never was one.
        """
        if subject not in self._subjects:
            if not create:
                raise KeyMissingError(f"there is no key for {subject}", path=subject)
            self._subjects[subject] = self._noise(32)
        return self._subjects[subject]

    def destroy(self, subject: str) -> None:
        """Destroy the subject's key for good."""
        self._subjects[subject] = None

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature over `message`."""
        return self._signing.sign(message)

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""
        return self._signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def origin(self) -> str:
        """The name of this log."""
        return f"midwatch/{self.public_key.hex()[:8]}"


class InlineCrew:
    """Does the work at once, in the caller's thread: every test sees one order of things."""

    def start(self, work: Callable[[], None]) -> None:
        """Do the work now."""
        work()

    def close(self) -> None:
        """Nothing is under way."""


class ScriptedTools:
    """Tools whose behaviour is a function; it remembers every call, so that effects can be counted."""

    def __init__(
        self,
        manifests: Mapping[ToolName, Manifest],
        behave: Mapping[ToolName, Callable[[ToolCall], ToolOutcome]],
    ) -> None:
        self._manifests = dict(manifests)
        self._behave = dict(behave)
        self.calls: list[ToolCall] = []
        self.effects: dict[EffectKey, int] = {}
        """How often each acting call reached its tool."""

    @property
    def manifests(self) -> Mapping[ToolName, Manifest]:
        """Every tool there is."""
        return self._manifests

    def declare(self, manifest: Manifest) -> None:
        """Put another manifest in the place of a tool's."""
        self._manifests[manifest.tool] = manifest

    def call(self, call: ToolCall) -> ToolOutcome:
        """Call the function that stands for the tool."""
        self.calls.append(call)
        behave = self._behave.get(call.tool)
        if behave is None:
            return ToolFailed(code="MW503", why=f"nothing carries {call.tool} out here")
        if self._manifests[call.tool].effect != "read":
            self.effects[call.key] = self.effects.get(call.key, 0) + 1
        return behave(call)

    def close(self) -> None:
        """Nothing to end."""


def answering(**out: object) -> Callable[[ToolCall], ToolOutcome]:
    """Return a behaviour that always gives the same output."""
    return lambda _: ToolDone(out=out)
