"""Do the tests bite? Bugs planted one at a time, each of which a test must find: `make mutants`."""
