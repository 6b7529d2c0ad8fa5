"""The gateway's certificate: the user's own, or one that is made here and known to this machine's command."""

import datetime
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vidmesh_stack.edge import Certificate
from vidmesh_stack.keys import write_whole

LIFE = datetime.timedelta(days=397)
"""As long as browsers accept one to be valid."""
RENEW = datetime.timedelta(days=30)
"""One that ends sooner than this is made anew."""


def ensure_certificate(folder: Path, host: str) -> Certificate:
    """Make a certificate for `host` and for this machine's own names in `folder`, unless a good one is there.

    An authority of its own vouches for it, in `ca.pem`: clients trust that file. The authority's key is thrown away, so
    nobody can make another one that they would trust.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Certificate(chain=folder / "certificate.pem", key=folder / "key.pem")
    names = _names(host)
    if not (made.key.exists() and (folder / "ca.pem").exists() and _serves(made.chain, names)):
        _make(folder, made, names)
    return made


def _names(host: str) -> list[x509.GeneralName]:
    hosts = {"localhost", "127.0.0.1", "::1", socket.gethostname(), host} - {"0.0.0.0", "::", ""}  # noqa: S104 - no names
    return [_name(one) for one in sorted(hosts)]


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _serves(chain: Path, names: list[x509.GeneralName]) -> bool:
    """Whether it is for these names, and for some time to come."""
    try:
        found = x509.load_pem_x509_certificate(chain.read_bytes())
        said = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return set(names) <= set(said) and found.not_valid_after_utc > _now() + RENEW


def _make(folder: Path, made: Certificate, names: list[x509.GeneralName]) -> None:
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"vidmesh on {socket.gethostname()}"[:64])])
    begin = (
        x509.CertificateBuilder().issuer_name(issuer).not_valid_before(_now() - datetime.timedelta(hours=1))
    )
    begin = begin.not_valid_after(_now() + LIFE)
    root = (
        begin.subject_name(issuer)
        .public_key(authority.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        begin.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vidmesh")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_whole(made.key, private.decode(), mode=0o600)
    write_whole(folder / "ca.pem", root.public_bytes(pem).decode(), mode=0o644)
    write_whole(made.chain, (leaf.public_bytes(pem) + root.public_bytes(pem)).decode(), mode=0o644)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
