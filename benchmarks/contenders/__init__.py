"""One small server for each contender, written as its own documentation says; all answer the same requests."""
