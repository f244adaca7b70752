"""The sending domain as receivers see it in the DNS: SPF, DKIM, DMARC, where replies go, the relay's name.

`lookup` queries the DNS; every other module gathers the answers it needs and judges them in functions without I/O.
`domain` puts the parts together.
"""
