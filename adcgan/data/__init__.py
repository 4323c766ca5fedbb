"""Data sets as uint8 arrays, and the paper's two schemes."""
