"""What this machine allows and reports: clock, CPUs, native threads, deadlines, processes."""
