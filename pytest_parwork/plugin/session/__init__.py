"""What a session collects and shows: reports, output, progress, its share of xdist."""
