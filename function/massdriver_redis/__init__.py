"""An ElastiCache for Redis cluster as a CloudFormation custom resource."""
