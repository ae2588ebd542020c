"""Code that tests share: how they are selected, started, and ended, and what several make.

`parwork_tasks` and `parwork_faults` are beside this package instead: workers import them by name.
"""
