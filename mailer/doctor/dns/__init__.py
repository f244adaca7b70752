"""The sending domain as receivers see it in the DNS: SPF, DKIM, DMARC, where replies go, the relay's name.

`lookup` queries the DNS; every other module takes a function that answers and judges what it says.
`domain` puts the parts together.
"""
