"""Fault tests of the speed layer: `python -m tests.faults [CASE…]`, or `make faults-CASE`.

A case is one file `case_NAME.py`; everything else here is the harness that the cases share.
"""
