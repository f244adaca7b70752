"""How staff prove who they are: passkeys, a password with a code, recovery codes, single sign-on."""
