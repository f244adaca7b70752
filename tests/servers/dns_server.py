"""A real DNS server for tests, over UDP and TCP on one port of this machine; it misbehaves when told to.

    zone = {"appeals.test": {"MX": ["10 mx.appeals.test."], "TXT": ['"v=spf1 -all"']}}
    with DnsServer(zone) as server:
        server.on("appeals.test", Fail())     # for this name, or "*" for all
        ...                                   # ask server.address, such as "127.0.0.1:40123"
        server.asked                          # (name, kind, "udp" or "tcp"), in order

Records are written as in a zone file (RFC 1035 §5); CNAMEs are followed inside the zone. A name that isn't there is
NXDOMAIN, unless another stands below it. Built on dnspython's messages; it knows nothing about the mailer.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.patience import HANG_SECONDS

HOST = "127.0.0.1"
TTL_SECONDS = 60
CLASSIC_BYTES = 512  # RFC 1035 §4.2.1, for who doesn't say otherwise by EDNS

Zone = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer SERVFAIL, or another code."""

    rcode: str = "SERVFAIL"


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answer."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Over UDP only say that the answer is too long; over TCP give it."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with bytes that are no message."""


Act = Fail | Silence | Truncate | Garbage


class DnsServer:
    """The server. Start it with `with`."""

    def __init__(self, zone: Zone) -> None:
        self.zone = {name.lower().rstrip("."): records for name, records in zone.items()}
        self.asked: list[tuple[str, str, str]] = []
        self._acts: dict[str, Act] = {}
        server = self

        class Datagrams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                reply = server.reply(data, way="udp")
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        class Streams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(5)
                (length,) = struct.unpack("!H", self._exactly(2))
                reply = server.reply(self._exactly(length), way="tcp")
                if reply is not None:
                    self.request.sendall(struct.pack("!H", len(reply)) + reply)

            def _exactly(self, count: int) -> bytes:
                data = b""
                while len(data) < count:
                    chunk = self.request.recv(count - len(data))
                    if not chunk:
                        raise ConnectionError("the question was cut short")
                    data += chunk
                return data

        self._streams = socketserver.ThreadingTCPServer((HOST, 0), Streams)
        self.port = int(self._streams.server_address[1])
        self._datagrams = socketserver.ThreadingUDPServer((HOST, self.port), Datagrams)
        self._threads = [
            threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}, name="dns", daemon=True)
            for one in (self._streams, self._datagrams)
        ]

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def on(self, name: str, act: Act) -> None:
        """Misbehave when asked about `name`, or about anything with "*"."""
        self._acts[name] = act

    def reply(self, data: bytes, *, way: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype), way))
        response = dns.message.make_response(query, recursion_available=True)
        match self._acts.get(name, self._acts.get("*")):
            case Fail(rcode):
                response.set_rcode(dns.rcode.from_text(rcode))
                return response.to_wire()
            case Silence():
                return None
            case Garbage():
                return data[:2] + b"\xff\xff"
            case Truncate() if way == "udp":
                response.flags |= dns.flags.TC
                return response.to_wire()
            case _:
                self._answer(response, name, question.rdtype)
        wire = response.to_wire(max_size=65535)
        if way == "udp" and len(wire) > (query.payload or CLASSIC_BYTES):
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return wire

    def _answer(self, response: dns.message.Message, name: str, kind: dns.rdatatype.RdataType) -> None:
        for _ in range(8):
            records = self.zone.get(name)
            if records is None:
                if not any(known.endswith(f".{name}") for known in self.zone):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            text = dns.rdatatype.to_text(kind)
            found = "CNAME" if "CNAME" in records and text != "CNAME" else text
            if found in records:
                response.answer.append(dns.rrset.from_text_list(f"{name}.", TTL_SECONDS, "IN", found, records[found]))
            if found != "CNAME" or text == "CNAME":
                return
            name = records["CNAME"][0].lower().rstrip(".")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._streams, self._datagrams):
            one.shutdown()
            one.server_close()
        for thread in self._threads:
            thread.join(HANG_SECONDS)
