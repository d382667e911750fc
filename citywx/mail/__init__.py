"""Mail: building a message, sending it, and the ledger of what was sent."""
