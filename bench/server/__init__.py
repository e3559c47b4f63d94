"""The runtime that everything is measured with."""
