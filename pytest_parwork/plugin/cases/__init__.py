"""The cases of a test: their body, column, group and judgement, and what makes a test plain."""
