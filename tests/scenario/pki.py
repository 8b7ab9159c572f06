"""Certificates made for one test, and both ends of TLS in Python."""
import datetime
import ipaddress
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

import origin as origin_module
import wire

DAY = datetime.timedelta(days=1)


class Pair:
    """A certificate with its key, as files; `pem` has both."""

    def __init__(self, folder, name, cert, key, chain=()):
        self.cert, self.key = cert, key
        text = [c.public_bytes(serialization.Encoding.PEM) for c in (cert, *chain)]
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())
        self.cert_file = folder / f"{name}.crt"
        self.key_file = folder / f"{name}.key"
        self.pem_file = folder / f"{name}.pem"
        self.cert_file.write_bytes(b"".join(text))
        self.key_file.write_bytes(secret)
        self.pem_file.write_bytes(b"".join(text) + secret)

    @property
    def entry(self):
        """As an entry of `certificates`."""
        return {"cert": str(self.cert_file), "key": str(self.key_file)}

    @property
    def der(self):
        return self.cert.public_bytes(serialization.Encoding.DER)


def new_key(kind):
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def name_of(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    def __init__(self, folder, cn="Test CA"):
        self.folder, self.count = folder, 0
        key = new_key("ec")
        now = datetime.datetime.utcnow()
        cert = (x509.CertificateBuilder().subject_name(name_of(cn)).issuer_name(name_of(cn))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - DAY).not_valid_after(now + 365 * DAY)
                .add_extension(x509.BasicConstraints(True, None), True)
                .sign(key, hashes.SHA256()))
        self.pair = Pair(folder, cn.replace(" ", "-"), cert, key)

    @property
    def file(self):
        return str(self.pair.cert_file)

    def issue(self, *names, kind="ec", days=(-1, 90), cn=None, chain=()):
        """A certificate for DNS names and IP addresses."""
        self.count += 1
        key = new_key(kind)
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(name_of(cn or names[0]))
                   .issuer_name(self.pair.cert.subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative(n) for n in names]), False)
        cert = builder.sign(self.pair.key, hashes.SHA256())
        return Pair(self.folder, f"{self.pair.cert.subject.rdns[0].rfc4514_string()[3:].replace(' ', '-')}-{self.count}",
                    cert, key, chain)

    def revoke(self, *pairs):
        """The path of a list of revoked certificates."""
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.pair.cert.subject)
                   .last_update(now - DAY).next_update(now + 30 * DAY))
        for p in pairs:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(p.cert.serial_number)
                .revocation_date(now - DAY).build())
        path = self.folder / "revoked.pem"
        path.write_bytes(builder.sign(self.pair.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return str(path)

    def ocsp(self, pair):
        """The path of a good response for it, signed by this authority itself."""
        from cryptography.x509 import ocsp
        now = datetime.datetime.utcnow()
        response = (ocsp.OCSPResponseBuilder()
                    .add_response(cert=pair.cert, issuer=self.pair.cert, algorithm=hashes.SHA1(),
                                  cert_status=ocsp.OCSPCertStatus.GOOD, this_update=now - DAY,
                                  next_update=now + 7 * DAY, revocation_time=None, revocation_reason=None)
                    .responder_id(ocsp.OCSPResponderEncoding.NAME, self.pair.cert)
                    .sign(self.pair.key, hashes.SHA256()))
        path = self.folder / f"{pair.cert_file.stem}.ocsp"
        path.write_bytes(response.public_bytes(serialization.Encoding.DER))
        return str(path)


def client_context(authority, own=None, version=None, ciphers=None, alpn=None):
    ctx = ssl.create_default_context(cafile=authority.file)
    if own:
        ctx.load_cert_chain(own.cert_file, own.key_file)
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    if ciphers:
        ctx.set_ciphers(ciphers)
    if alpn:
        ctx.set_alpn_protocols(alpn)
    return ctx


def connect(address, ctx, name, session=None):
    """A wire.Peer over TLS; an end without close_notify raises ssl.SSLEOFError."""
    sock = socket.create_connection(address, timeout=wire.TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire.Peer(ctx.wrap_socket(sock, server_hostname=name, session=session, suppress_ragged_eofs=False))


class TlsOrigin(origin_module.Origin):
    """An origin that speaks TLS; `handshakes` has (name asked for, resumed) of each."""

    def __init__(self, pair, *args, clients=None, version=None, alpn=("http/1.1",), **kwargs):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(pair.cert_file, pair.key_file)
        self.ctx.set_alpn_protocols(list(alpn))
        if clients:
            self.ctx.verify_mode = ssl.CERT_REQUIRED
            self.ctx.load_verify_locations(clients.file)
        if version:
            self.ctx.minimum_version = self.ctx.maximum_version = version
        self.names, self.handshakes, self.failed, self.certificates = {}, [], [], []
        self.ctx.sni_callback = lambda s, name, _: self.names.__setitem__(s, name)
        super().__init__(*args, **kwargs)

    def run(self, peer):
        try:
            peer.sock = self.ctx.wrap_socket(peer.sock, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, OSError) as e:
            self.failed.append(e)
            peer.close()
            return
        self.handshakes.append((self.names.pop(peer.sock, None), peer.sock.session_reused,
                                peer.sock.selected_alpn_protocol()))
        self.certificates.append(peer.sock.getpeercert())
        super().run(peer)
