"""When weather becomes an alert: rules, and the steps that apply them. Standard library only."""
