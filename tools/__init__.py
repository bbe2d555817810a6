"""Programs for developers; nothing here is shipped with the function."""
