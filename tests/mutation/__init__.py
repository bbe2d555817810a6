"""Mutation tests: bugs planted one at a time, each of which a test must find (`make mutants`)."""
