"""One file an entry point: read the parameters, call workflow/, log one run."""

import workflow.runtime.bootstrap  # noqa: F401
