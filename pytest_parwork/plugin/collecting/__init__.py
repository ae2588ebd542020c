"""The items of a session as workloads of cases, and what cannot be one."""
