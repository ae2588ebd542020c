"""The items that run a workload again in perturbed configurations."""
