"""Dagster's code server, but that its runs begin without importing first."""
