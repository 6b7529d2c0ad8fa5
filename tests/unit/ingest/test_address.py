"""The egress rule: what is not the public internet is refused, however it is written."""

import pytest

from vidmesh_ingest.address import EgressRule, is_public, parse_address

CLOSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.167.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
    "2003::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(parse_address(address))
    assert not EgressRule().allows("host.example", parse_address(address), 443)


@pytest.mark.parametrize("address", OPEN)
def test_other_addresses_are_public(address: str) -> None:
    assert EgressRule().allows("host.example", parse_address(address), 443)


def test_low_ports_that_are_not_the_webs_are_refused() -> None:
    rule = EgressRule()
    assert rule.allows("h", parse_address("8.8.8.8"), 8443)
    assert not rule.allows("h", parse_address("8.8.8.8"), 25)
    assert not rule.allows("h", parse_address("8.8.8.8"), 22)


def test_an_allowed_network_is_allowed_and_no_other() -> None:
    rule = EgressRule.parse(["127.0.0.0/8", "fd00::/8", "10.1.2.3", " "])
    assert rule.allows("localhost", parse_address("127.9.9.9"), 22)
    assert rule.allows("h", parse_address("fd00::1"), 80)
    assert rule.allows("h", parse_address("10.1.2.3"), 80)
    assert not rule.allows("h", parse_address("10.1.2.4"), 80)
    assert not rule.allows("h", parse_address("::1"), 80)
    assert not rule.allows("h", parse_address("::ffff:127.0.0.1"), 80)


def test_an_allowed_host_is_allowed_wherever_it_leads() -> None:
    rule = EgressRule.parse(["Media.internal", ".corp.example"])
    assert rule.allows("media.internal", parse_address("10.0.0.1"), 8080)
    assert rule.allows("MEDIA.INTERNAL.", parse_address("10.0.0.1"), 8080)
    assert rule.allows("a.b.corp.example", parse_address("10.0.0.1"), 80)
    assert not rule.allows("corp.example", parse_address("10.0.0.1"), 80)
    assert not rule.allows("evilcorp.example", parse_address("10.0.0.1"), 80)
    assert not rule.allows("xmedia.internal", parse_address("10.0.0.1"), 80)


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "1.2.3", "fe80::/129"])
def test_an_entry_that_is_no_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        EgressRule.parse([entry])
