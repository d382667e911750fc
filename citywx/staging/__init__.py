"""The staging log: CSV segments that are appended to and read as whole lines with their offsets.

Records' meaning belongs in `citywx.weather.reading`; what is done with them, in the consumers.
"""
