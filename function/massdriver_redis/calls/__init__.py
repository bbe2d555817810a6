"""AWS requests as data: each builder returns one call; nothing is sent here."""
