"""The report: its data and its renderings."""
