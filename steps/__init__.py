"""One file an entry point: read the parameters, call workflow/, log one run."""
