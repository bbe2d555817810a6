"""See an update before it is made: the provider's own planner, run on a predicted AWS.

Not part of the Lambda package: `make plan OLD=... NEW=...` runs it on a developer's machine.
"""
