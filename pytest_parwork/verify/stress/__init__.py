"""Perturbed runs of a workload, which provoke what a lucky run hides."""
