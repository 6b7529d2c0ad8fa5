"""The certificate that is made for a gateway."""

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from vidmesh_stack import certificate
from vidmesh_stack.certificate import PARTS, ensure_certificate, ensure_identities, identity_in, main


def verified(folder: Path, name: x509.DNSName | x509.IPAddress) -> None:
    """Check the chain as a client would that trusts the folder's authority. Raises VerificationError."""
    leaf, *_ = x509.load_pem_x509_certificates((folder / "certificate.pem").read_bytes())
    (authority,) = x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())
    PolicyBuilder().store(Store([authority])).build_server_verifier(name).verify(leaf, [])


def test_it_is_for_the_host_and_this_machine_and_vouched_for(tmp_path: Path) -> None:
    made = ensure_certificate(tmp_path, "videos.example.org")
    for name in ("videos.example.org", "localhost"):
        verified(tmp_path, x509.DNSName(name))
    with pytest.raises(VerificationError):
        verified(tmp_path, x509.DNSName("elsewhere.example.org"))
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert b"PRIVATE" not in made.chain.read_bytes() + (tmp_path / "ca.pem").read_bytes()


def test_a_good_one_stays_and_others_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ensure_certificate(tmp_path, "0.0.0.0")
    first = made.chain.read_bytes()
    assert ensure_certificate(tmp_path, "127.0.0.1").chain.read_bytes() == first
    other = ensure_certificate(tmp_path, "videos.example.org").chain.read_bytes()
    assert other != first
    (tmp_path / "certificate.pem").write_text("broken")
    assert ensure_certificate(tmp_path, "videos.example.org").chain.read_bytes() != other
    soon = datetime.datetime.now(datetime.UTC) + certificate.LIFE - datetime.timedelta(days=20)
    kept = made.chain.read_bytes()
    monkeypatch.setattr(certificate, "_now", lambda: soon)
    assert ensure_certificate(tmp_path, "videos.example.org").chain.read_bytes() != kept


def test_the_parts_of_a_mesh_are_vouched_for_together(tmp_path: Path) -> None:
    made = ensure_identities(tmp_path, {"ingest": ["ingest.videos.svc"], "gateway": ()})
    (authority,) = x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes())
    for name in ("ingest", "ingest.videos.svc", "localhost"):
        leaf, *_ = x509.load_pem_x509_certificates(made["ingest"].certificate.read_bytes())
        verifier = PolicyBuilder().store(Store([authority]))
        verifier.build_server_verifier(x509.DNSName(name)).verify(leaf, [])
        verifier.build_client_verifier().verify(leaf, [])
    assert ensure_identities(tmp_path, {"gateway": ()}) == {"gateway": identity_in(tmp_path, "gateway")}
    assert (tmp_path / "ca.pem").read_bytes() == authority.public_bytes(certificate.PEM)
    ensure_identities(tmp_path, {"ingest": (), "gateway": (), "query": ()})
    assert (tmp_path / "ca.pem").read_bytes() != authority.public_bytes(certificate.PEM)


def test_they_are_made_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["certificate", str(tmp_path), "nats=nats.videos.svc"])
    main()
    assert "ca.pem" in capsys.readouterr().out
    assert {path.name for path in tmp_path.glob("*.key.pem")} == {f"{part}.key.pem" for part in PARTS}
    leaf, *_ = x509.load_pem_x509_certificates((tmp_path / "nats.pem").read_bytes())
    said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "nats.videos.svc" in said.get_values_for_type(x509.DNSName)
    monkeypatch.setattr("sys.argv", ["certificate", str(tmp_path), "bus=nats.videos.svc"])
    with pytest.raises(SystemExit):
        main()
