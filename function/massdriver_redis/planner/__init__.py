"""Pure planning: desired and observed state give the one next decision."""
