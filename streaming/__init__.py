"""The speed layer: processes that never stop, one file each, `python -m streaming.NAME`."""
