"""PROXY protocol headers as bytes, made and read by the tests themselves."""
import ipaddress
import struct

from wire import Closed

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, TCP6, UNIX = 0x00, 0x11, 0x21, 0x31


def v1(source, destination, source_port=40000, destination_port=443):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {source_port} {destination_port}\r\n".encode()


def binary(command, family, block=b""):
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


def v2(source, destination, source_port=40000, destination_port=443, tlvs=b""):
    block = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    block += struct.pack("!HH", source_port, destination_port) + tlvs
    return binary(PROXY, TCP6 if ":" in source else TCP4, block)


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def summed(source, destination, **ports):
    """With a checksum as its only value."""
    head = v2(source, destination, **ports, tlvs=tlv(3, bytes(4)))
    return head[:-4] + struct.pack("!I", crc32c(head))


def secured(peer, ctx, name="localhost"):
    """Goes on over TLS."""
    peer.sock = ctx.wrap_socket(peer.sock, server_hostname=name, suppress_ragged_eofs=False)
    return peer


class Told:
    """A header as an origin reads it off a connection: not a byte more is taken off the socket."""

    def __init__(self, peer):
        assert not peer.buf
        self.source = self.destination = None   # (address, port)
        self.raw = b""
        self.take(peer, 6)
        if self.raw == b"PROXY ":
            while not self.raw.endswith(b"\r\n"):
                self.take(peer, 1)
            self.version = 1
            words = self.raw[:-2].decode().split(" ")
            self.local = words[1] == "UNKNOWN"
            if not self.local:
                self.source, self.destination = (words[2], int(words[4])), (words[3], int(words[5]))
            return
        self.take(peer, 10)
        assert self.raw[:12] == SIGNATURE, self.raw
        command, family, length = struct.unpack("!BBH", self.raw[12:])
        block = self.take(peer, length)
        self.version, self.local = 2, command == LOCAL
        if not self.local:
            n = 4 if family == TCP4 else 16
            ports = struct.unpack("!HH", block[2 * n:2 * n + 4])
            self.source = str(ipaddress.ip_address(block[:n])), ports[0]
            self.destination = str(ipaddress.ip_address(block[n:2 * n])), ports[1]

    def take(self, peer, n):
        taken = b""
        while len(taken) < n:
            data = peer.sock.recv(n - len(taken))
            if not data:
                raise Closed(taken)
            taken += data
        self.raw += taken
        return taken


def reading(serve=None):
    """`serve` of an Origin behind a header, which goes to `origin.told`; `serve` goes on after it."""
    def begin(peer, o):
        peer.told = Told(peer)
        with o.lock:
            o.told = getattr(o, "told", []) + [peer.told]
        (serve or o.serve_requests)(peer, o)
    return begin


def from_(t, header, *pieces):
    """A connection to a running tidegate that begins with these bytes."""
    c = t.client()
    c.send(header, *pieces)
    return c
