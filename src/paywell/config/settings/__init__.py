"""Settings by environment: `demo`, `test`, `production`; all start from `base`."""
