"""Options, markers and backends, checked and resolved into plans."""
