"""Whether a failed attempt is followed by another, and when. What may be tried again, the caller says."""

from midwatch.base.units import EpochMs
from midwatch.plan.model import PlanRetry


def retry_at(retry: PlanRetry, *, attempt: int, code: str, now_ms: EpochMs) -> EpochMs | None:
    """Return when the attempt after `attempt` (from 1) begins, or None where there is none.

    The pauses double from `backoff_ms` up to `backoff_ms_max`.
    """
    if attempt > retry.attempts_max or (retry.codes and code not in retry.codes):
        return None
    pause_ms = retry.backoff_ms * 2 ** (attempt - 1)
    if retry.backoff_ms_max:
        pause_ms = min(pause_ms, retry.backoff_ms_max)
    return EpochMs(now_ms + pause_ms)
