"""The batch layer: the Dagster code location. Thin: what it does stands in `citywx`."""
