"""How fast this SDK is, next to the one that came before it and to what the machine can do at all."""
