"""What a worker needs to run a case: functions, arguments, plans for fixtures, settings."""
