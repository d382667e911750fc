"""The whole pipeline on one machine without containers: `citywx up` and its relatives."""
