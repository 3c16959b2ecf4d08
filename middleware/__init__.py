"""The way in and out: the proxy, the store, the audit log, the command line."""
