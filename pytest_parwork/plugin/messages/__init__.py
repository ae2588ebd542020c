"""What is said of a case: failures, losses, hints, output, verdicts on pytest's reports."""
