"""Patterns across time, metrics and cities: one kind a file. Standard library only."""
