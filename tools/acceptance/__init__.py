"""`make acceptance`: one life of a cluster on the AWS that the environment's credentials reach."""
