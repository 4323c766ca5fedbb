"""The site: records to data frames, figures and pages; no torch."""
