"""Whether a host is this machine, to which secrets may travel unencrypted. Nothing is looked up."""

from __future__ import annotations

import ipaddress


def on_this_machine(host: str) -> bool:
    """True for localhost and loopback addresses (RFC 6761 §6.3, RFC 1122 §3.2.1.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
