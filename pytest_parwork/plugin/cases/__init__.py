"""Test items as workloads: collected, carried out behind a gate, compared one by one."""
