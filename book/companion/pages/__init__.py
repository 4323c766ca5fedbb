"""What the pages of `book/` call: frames and figures laid out as HTML. Nothing else in the package imports it."""
