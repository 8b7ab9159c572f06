"""Keys, JWKS and signed tokens (RFC 7515, 7517, 7518), made with python3-cryptography."""
import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HASH = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


class Key:
    """One private key: its JWK, its PEM, and tokens signed with it."""

    def __init__(self, alg, kid=None):
        self.alg, self.kid = alg, kid
        if alg[:2] in ("RS", "PS"):
            self.private = rsa.generate_private_key(65537, 2048)
        elif alg[:2] == "ES":
            self.private = ec.generate_private_key(ec.SECP256R1() if alg == "ES256" else ec.SECP384R1())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = b"%064d" % time.monotonic_ns()

    @property
    def jwk(self):
        out = {"kid": self.kid} if self.kid else {}
        if isinstance(self.private, bytes):
            return dict(out, kty="oct", k=b64(self.private))
        public = self.private.public_key()
        if isinstance(self.private, rsa.RSAPrivateKey):
            n = public.public_numbers()
            return dict(out, kty="RSA", n=number(n.n), e=number(n.e))
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            n, size = public.public_numbers(), public.key_size // 8
            return dict(out, kty="EC", crv=f"P-{public.key_size}", x=number(n.x, size), y=number(n.y, size))
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return dict(out, kty="OKP", crv="Ed25519", x=b64(raw))

    @property
    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text):
        key, alg = self.private, self.alg
        if alg == "EdDSA":
            return key.sign(text)
        h = HASH[alg[2:]]
        if alg[:2] == "HS":
            return hmac.new(key, text, getattr(hashlib, "sha" + alg[2:])).digest()
        if alg[:2] == "RS":
            return key.sign(text, padding.PKCS1v15(), h)
        if alg[:2] == "PS":
            return key.sign(text, padding.PSS(padding.MGF1(h), h.digest_size), h)
        r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(h)))
        return r.to_bytes(h.digest_size, "big") + s.to_bytes(h.digest_size, "big")

    def token(self, header=None, **claims):
        """A good one for an hour, unless the claims say otherwise."""
        head = {"alg": self.alg, "typ": "JWT", **({"kid": self.kid} if self.kid else {}), **(header or {})}
        text = f"{b64(head)}.{b64(dict({'exp': time.time() + 3600}, **claims))}"
        return f"{text}.{b64(self.sign(text.encode()))}"


def jwks(*keys):
    return json.dumps({"keys": [k.jwk for k in keys]})
