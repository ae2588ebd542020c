"""The parts of a session: reports, captured output, signals, distribution by xdist."""
