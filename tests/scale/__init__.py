"""Many requests at once: AWS's rates, Lambda's queue, and invocations that overlap in simulated time."""
