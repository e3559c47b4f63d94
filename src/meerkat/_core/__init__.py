"""Bytes and processes: framing, protocol, transport, decoding. Knows JSON-RPC, knows no method by name."""

import logging

# Whoever uses the package decides what becomes of its log; without this, warnings would go to standard error unasked.
logging.getLogger("meerkat").addHandler(logging.NullHandler())
