"""Quality control of readings as they come: what no later reading is needed for."""
