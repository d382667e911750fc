"""The domain: what a reading is and what it means. Pure, and without any framework."""
