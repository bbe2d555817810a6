"""The only part that knows boto3: sessions, reads, writes, polling and the meaning of error codes."""
