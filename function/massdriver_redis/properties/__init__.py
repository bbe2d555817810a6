"""Pure parsing: CloudFormation's strings become validated, typed properties."""
