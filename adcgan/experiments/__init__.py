"""Runs: what they are called, how they are done, and what they leave behind."""
