"""The custom resource protocol, without an SDK: requests, responses, attributes and delivery."""
