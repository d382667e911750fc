"""Quality control: which readings to doubt, and why; pure, one city's source at a time."""
