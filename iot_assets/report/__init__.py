"""The data-quality report: queries → facts → an HTML page and the same as JSON."""
