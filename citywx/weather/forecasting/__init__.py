"""Forecasts from a city's own readings, and how well they did. Pure: numpy, and pandas at the door.

Loading readings and keeping predictions belongs in `citywx.warehouse`.
"""
