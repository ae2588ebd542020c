"""Test items as workloads: collected, run in parallel behind a gate, compared one by one."""
