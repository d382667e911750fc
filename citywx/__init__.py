"""citywx: a real-time weather pipeline for cities. What the layers share; imports none of them."""
