"""Lambda's context, its time running on the test's clock."""

from __future__ import annotations

from .clock import SimulatedClock

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:provider"


class Context:
    """The context of an invocation that begins now and may take `seconds`.

    Lambda sets the end by its own clock, and the function subtracts its own, `skew` seconds ahead of that.
    """

    function_name = "provider"
    invoked_function_arn = FUNCTION
    aws_request_id = "6f9d7d1e-3c5f-4a57-8f5e-0a1b2c3d4e5f"

    def __init__(self, clock: SimulatedClock, seconds: float = 60.0, skew: float = 0.0) -> None:
        self._clock = clock
        self._ends = clock.now() + seconds - skew

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - self._clock.now()) * 1000))
