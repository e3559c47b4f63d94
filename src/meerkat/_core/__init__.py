"""Bytes and processes: framing, protocol, transport, decoding. Knows JSON-RPC, knows no method by name."""
