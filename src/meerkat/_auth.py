"""Logins, with the arguments that established programs leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meerkat._core.errors import InvalidArgumentError
from meerkat._generated.methods import AllCalls

if TYPE_CHECKING:
    from meerkat._generated.types.auth import DeviceStart, LoginReady, LoginStart

CALLBACK: Final = "http://127.0.0.1:0/callback"
"""Where a provider sends the browser back to unless told otherwise."""


class AuthMethods(AllCalls):
    """What a client does with logins beyond the generated wrappers: it knows an address to come back to."""

    async def auth_login_start(
        self,
        provider: str,
        redirect_uri: str = CALLBACK,
        realm_id: str | None = None,
        binding_id: str | None = None,
        *,
        profile_id: str | None = None,
    ) -> LoginStart:
        """Begin an OAuth login in a browser.

        The user opens the address, and what the provider sends back goes to `auth_login_complete`. The runtime keeps
        the verifier of the login to itself.

        Args:
            provider: Provider to log in at: ``anthropic``, ``openai`` or ``google``.
            redirect_uri: Address that the provider sends the browser back to.
            realm_id: Realm of the binding. Programs may leave it out, the runtime does not.
            binding_id: Binding whose credentials are meant, likewise.
            profile_id: Auth profile in place of that of the binding.

        Returns:
            Where to send the user.

        Raises:
            InvalidArgumentError: The realm or the binding is missing; nothing was sent.
            InvalidParamsError: The parameters are not acceptable.
            InternalError: The runtime failed.

        RPC: ``auth/login/start``.
        """
        realm_id, binding_id = _identity("auth/login/start", realm_id, binding_id)
        return await super().auth_login_start(provider, redirect_uri, realm_id, binding_id, profile_id=profile_id)

    async def auth_login_complete(  # noqa: PLR0917  # the contract's positional arguments
        self,
        provider: str,
        code: str,
        state: str,
        realm_id: str,
        binding_id: str,
        redirect_uri: str = CALLBACK,
        *,
        profile_id: str | None = None,
    ) -> LoginReady:
        """Finish an OAuth login and store its credentials.

        Args:
            provider: Provider to log in at: ``anthropic``, ``openai`` or ``google``.
            code: Secret. Authorization code from the provider.
            state: State from the start of the login.
            realm_id: Realm of the binding.
            binding_id: Binding whose credentials are meant.
            redirect_uri: The same address as at the start of the login.
            profile_id: Auth profile in place of that of the binding.

        Returns:
            The stored login.

        Raises:
            InvalidParamsError: The parameters are not acceptable.
            InternalError: The runtime failed.

        RPC: ``auth/login/complete``.
        """
        return await super().auth_login_complete(
            provider, code, state, realm_id, binding_id, redirect_uri, profile_id=profile_id
        )

    async def auth_login_device_start(
        self,
        provider: str,
        realm_id: str | None = None,
        binding_id: str | None = None,
        *,
        profile_id: str | None = None,
    ) -> DeviceStart:
        """Begin an OAuth login on another device.

        The user types the code in on the other device while the client asks `auth_login_device_complete` again and
        again. A provider without this way of login is refused as invalid.

        Args:
            provider: Provider to log in at: ``anthropic``, ``openai`` or ``google``.
            realm_id: Realm of the binding. Programs may leave it out, the runtime does not.
            binding_id: Binding whose credentials are meant, likewise.
            profile_id: Auth profile in place of that of the binding.

        Returns:
            What to tell the user.

        Raises:
            InvalidArgumentError: The realm or the binding is missing; nothing was sent.
            InvalidParamsError: The parameters are not acceptable.
            InternalError: The runtime failed.

        RPC: ``auth/login/device_start``.
        """
        realm_id, binding_id = _identity("auth/login/device_start", realm_id, binding_id)
        return await super().auth_login_device_start(provider, realm_id, binding_id, profile_id=profile_id)


def _identity(method: str, realm_id: str | None, binding_id: str | None) -> tuple[str, str]:
    if realm_id is None or binding_id is None:
        missing = "realm_id" if realm_id is None else "binding_id"
        raise InvalidArgumentError(message=f"say whose login it is - at `$.{missing}`", method=method)
    return realm_id, binding_id
