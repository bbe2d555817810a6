"""The only stateful part: one invocation observes, decides and applies until the request is answered."""
