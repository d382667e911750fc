"""How unusual a city's readings are, by all measures at once: learnt from its own history."""
