"""Notices: who is told of which alerts, when, with what words, and whether it arrived."""
