"""One trigger per file: what a deferred operator waits for in the triggerer."""
