"""The words by which a name promises a secret.

The package hides what stands under such names, and the house rules of the contract ask for a description as a secret
there. The generator reads this file by itself, since the package around it may not be importable yet: it imports
nothing of the package.
"""

from __future__ import annotations

from typing import Final

_ANYWHERE: Final = (
    r"secret|token|passw|passphrase|credential|authorization|bearer|cookie|signature|verifier|provider_params|"
    r"(?:api|access|private|session|signing|encryption)_?key"
)
_WHOLE_WORD: Final = r"auth|key|pass|pwd|code|env|environment|header|dsn|nonce|pin|otp"

# Not compiled here: importing the package must cost next to nothing.
SUSPICIOUS: Final = rf"(?i){_ANYWHERE}|(?:^|[_.\-])(?:{_WHOLE_WORD})s?(?:$|[_.\-])"
"""Pattern that is found in names such as ``api_key``, ``ANTHROPIC_API_KEY``, ``Authorization`` and ``headers``."""
