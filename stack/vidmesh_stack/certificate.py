"""Certificates: the gateway's, which is the user's own or made here and known to this machine's command, and those that the parts
of a mesh know each other by: `python -m vidmesh_stack.certificate FOLDER [PART=HOST]...` makes them.
"""

import argparse
import datetime
import ipaddress
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vidmesh_runtime.identity import Identity
from vidmesh_stack.keys import write_whole

PEM = serialization.Encoding.PEM
AUTHORITY = "ca.pem"
PARTS = ("gateway", "ingest", "transcribe", "summarize", "query", "nats", "postgres")
"""Who can be reached, or calls, in a mesh over several machines."""

LIFE = datetime.timedelta(days=397)
"""As long as browsers accept one to be valid."""
RENEW = datetime.timedelta(days=30)
"""One that ends sooner than this is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Two files in PEM."""

    chain: Path
    """The certificate, and those that vouch for it."""
    key: Path
    """The private key, without a password."""


def ensure_certificate(folder: Path, host: str) -> Certificate:
    """Make a certificate for `host` and for this machine's own names in `folder`, unless a good one is there.

    An authority of its own vouches for it, in `ca.pem`: clients trust that file. The authority's key is thrown away, so
    nobody can make another one that they would trust.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Certificate(chain=folder / "certificate.pem", key=folder / "key.pem")
    names = _names(host)
    if not (made.key.exists() and (folder / AUTHORITY).exists() and _serves(made.chain, names)):
        authority = Authority()
        authority.issue(made, names)
        authority.tell(folder / AUTHORITY)
    return made


def ensure_identities(folder: Path, names: Mapping[str, Collection[str]]) -> dict[str, Identity]:
    """Make a certificate for each part of a mesh in `folder`, unless good ones are there.

    `names`: for each part, the hosts that it is reached as, besides its own name and this machine's loopback. One authority
    vouches for all of them, and for nothing else ever after: another part means new ones for all.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    identities = {part: identity_in(folder, part) for part in names}
    wanted = {
        part: [_name(host) for host in sorted({part, "localhost", "127.0.0.1", *hosts})]
        for part, hosts in names.items()
    }
    if not all(
        one.key.exists() and one.authority.exists() and _serves(one.certificate, wanted[part])
        for part, one in identities.items()
    ):
        authority = Authority()
        for part, one in identities.items():
            authority.issue(Certificate(chain=one.certificate, key=one.key), wanted[part], clients=True)
        authority.tell(folder / AUTHORITY)
    return identities


def identity_in(folder: Path, part: str) -> Identity:
    """The identity of a part in a folder that `ensure_identities` has filled."""
    return Identity(
        certificate=folder / f"{part}.pem", key=folder / f"{part}.key.pem", authority=folder / AUTHORITY
    )


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


class Authority:
    """Vouches for certificates. Its key is nowhere but here: once it is forgotten, nobody can make another that is trusted."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"vidmesh on {socket.gethostname()}"[:64])]
        )
        self._root = (
            self._begin(self._key, self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def tell(self, path: Path) -> None:
        """Write its own certificate, which is what others trust."""
        write_whole(path, self._root.public_bytes(PEM).decode(), mode=0o644)

    def issue(self, made: Certificate, names: Sequence[x509.GeneralName], *, clients: bool = False) -> None:
        """Make a certificate for a server of these names, which its owner also calls others with where `clients`."""
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if clients else [])]
        leaf = (
            self._begin(key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vidmesh")]))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_whole(made.key, private.decode(), mode=0o600)
        chain = leaf.public_bytes(PEM) + self._root.public_bytes(PEM)
        write_whole(made.chain, chain.decode(), mode=0o644)

    def _begin(self, key: ec.EllipticCurvePrivateKey, subject: x509.Name) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(self._name)
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - datetime.timedelta(hours=1))
            .not_valid_after(_now() + LIFE)
        )


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


def main() -> None:
    """Make the certificates of a mesh's parts."""
    parser = argparse.ArgumentParser(prog="python -m vidmesh_stack.certificate", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("reached", nargs="*", metavar="PART=HOST", help="a part's host besides its own name")
    asked = parser.parse_args()
    names: dict[str, set[str]] = {part: set() for part in PARTS}
    for one in asked.reached:
        part, _, host = one.partition("=")
        if part not in names or not host:
            parser.error(f"PART=HOST with a part of {', '.join(PARTS)}, not {one!r}")
        names[part].add(host)
    ensure_identities(asked.folder, names)
    print(f"{asked.folder}: {AUTHORITY}, and NAME.pem and NAME.key.pem of {', '.join(PARTS)}")  # noqa: T201


if __name__ == "__main__":
    main()
