"""The fault explorer: every operation, every AWS call in it, every fault at that call, once and for good."""
