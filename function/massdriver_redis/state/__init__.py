"""Pure state: what should be, what is, what was recorded, and how everything is named."""
