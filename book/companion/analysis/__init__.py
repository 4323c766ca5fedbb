"""Records as data frames: tables, intervals, effects, the audit."""
