"""Python SDK for the Meerkat agent runtime."""
