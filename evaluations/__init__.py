"""How well the domain judges: measured on readings that the user has, never part of a pipeline."""
