"""Whether a failed attempt is followed by another, and when. What may be tried again, the caller says."""

from midwatch.base.units import EpochMs
from midwatch.plan.model import PlanRetry
from midwatch.run.errors import HandTimeoutError, OutputError, TaskTimeoutError, WaitTimeoutError

TIMEOUT, OUTPUT, TOOL = "timeout", "output", "tool"
_TIMEOUTS = {TaskTimeoutError.code, WaitTimeoutError.code, HandTimeoutError.code}


def retry_at(
    retry: PlanRetry, *, attempt: int, code: str, now_ms: EpochMs, is_timeout: bool = False
) -> EpochMs | None:
    """Return when the attempt after `attempt` (from 1) begins, or None where there is none.

    The pauses double from `backoff_ms` up to `backoff_ms_max`.

    Args:
        retry: as declared.
        attempt: the one that failed.
        code: of its error.
        now_ms: when it failed.
        is_timeout: whether it failed because time ran out, where the code doesn't tell.
    """
    if attempt > retry.attempts_max:
        return None
    kind = TIMEOUT if is_timeout else kind_of(code)
    if retry.codes and code not in retry.codes and kind not in retry.codes:
        return None
    pause_ms = retry.backoff_ms * 2 ** (attempt - 1)
    if retry.backoff_ms_max:
        pause_ms = min(pause_ms, retry.backoff_ms_max)
    return EpochMs(now_ms + pause_ms)


def kind_of(code: str) -> str:
    """Return the class that a failure belongs to: `timeout`, `output`, or `tool` for all that tools say."""
    if code in _TIMEOUTS:
        return TIMEOUT
    return OUTPUT if code == OutputError.code else TOOL
