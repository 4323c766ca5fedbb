"""What is asked of a trained AD-CGAN beyond its score; nothing here changes a result.

Each reads the stored model (`adcgan.experiments.model_file`), so a new question needs no new training.
"""
