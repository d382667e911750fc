"""Patterns across time, metrics and cities: one kind a file. Standard library only.

Where a pattern holds in a city, each reading of that city has a finding: one whose values are
missing changes nothing, and repeats that it holds.
"""
