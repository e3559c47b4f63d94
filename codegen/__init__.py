"""The code generator: reads the contract, writes ``src/meerkat/_generated``. Nothing imports it."""
