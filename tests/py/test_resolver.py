"""From a URI to the servers that take it, by RFC 3263."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sems.errors import CallFailed
from sems.locating.lookup import HostsFile, Kind, Lookup, Naptr, Record, Srv, Unanswered
from sems.locating.resolver import Resolver, choose_naptr, order_srv


class Zone:
    """A name server in memory; ``None`` stands for one that does not answer."""

    def __init__(self, records: dict[tuple[str, str], list[Record] | None], **hosts: str) -> None:
        self.records = records
        self.hosts = hosts
        self.asked: list[tuple[str, str]] = []

    def local(self, name: str) -> tuple[str, ...]:
        return (self.hosts[name],) if name in self.hosts else ()

    async def ask(self, name: str, kind: Kind, *, timeout: float) -> tuple[Record, ...]:
        self.asked.append((name, kind))
        records = self.records.get((name, kind), [])
        if records is None:
            raise Unanswered(name)
        return tuple(records)


def resolver(zone: Zone, **settings: object) -> Resolver:
    return Resolver(zone, chance=random.Random(1), **settings)  # type: ignore[arg-type]


async def found(zone: Zone, uri: str, **settings: object) -> list[str]:
    return [str(place) for place in await resolver(zone, **settings).resolve(uri)]


def naptr(service: str, replacement: str, order: int = 1, preference: int = 1, flags: str = "s") -> Naptr:
    return Naptr(order, preference, flags, service, replacement)


EXAMPLE = {
    ("example.com", "NAPTR"): [
        naptr("SIP+D2T", "_sip._tcp.example.com", preference=100),
        naptr("SIP+D2U", "_sip._udp.example.com", preference=50),
        naptr("SIPS+D2T", "_sips._tcp.example.com", preference=200),
    ],
    ("_sip._udp.example.com", "SRV"): [
        Srv(2, 1, 5070, "two.example.com"),
        Srv(1, 1, 5060, "one.example.com"),
    ],
    ("_sip._tcp.example.com", "SRV"): [Srv(1, 1, 5062, "one.example.com")],
    ("_sips._tcp.example.com", "SRV"): [Srv(1, 1, 5081, "one.example.com")],
    ("one.example.com", "A"): ["192.0.2.1", "192.0.2.2"],
    ("two.example.com", "A"): ["192.0.2.3"],
    ("two.example.com", "AAAA"): ["2001:db8::3"],
    ("example.com", "A"): ["192.0.2.99"],
    ("only-srv.example", "A"): ["192.0.2.98"],
    ("_sip._tcp.only-srv.example", "SRV"): [Srv(1, 1, 5064, "two.example.com")],
    ("plain.example", "A"): ["192.0.2.97"],
}


@pytest.mark.parametrize(
    ("uri", "places"),
    [
        # Numbers need nobody's help.
        ("sip:bob@192.0.2.7", ["udp:192.0.2.7:5060"]),
        ("sip:bob@[2001:db8::7]:5070", ["udp:[2001:db8::7]:5070"]),
        ("sips:bob@192.0.2.7", ["tls:192.0.2.7:5061"]),
        ("sip:192.0.2.7;transport=tcp", ["tcp:192.0.2.7:5060"]),
        ("sip:192.0.2.7;transport=TLS", ["tls:192.0.2.7:5061"]),
        ("sips:192.0.2.7;transport=tcp", ["tls:192.0.2.7:5061"]),
        ("sip:bob@example.com;maddr=192.0.2.8", ["udp:192.0.2.8:5060"]),
        ("sip:bob@example.com:5090;maddr=[2001:db8::8]", ["udp:[2001:db8::8]:5090"]),
        # NAPTR chooses the transport, SRV the port and the order.
        (
            "sip:bob@example.com",
            ["udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "udp:192.0.2.3:5070", "udp:[2001:db8::3]:5070"],
        ),
        (
            "sips:bob@example.com",
            ["tls:192.0.2.1:5081;name=example.com", "tls:192.0.2.2:5081;name=example.com"],
        ),
        ("sip:bob@example.com;transport=tcp", ["tcp:192.0.2.1:5062", "tcp:192.0.2.2:5062"]),
        # A port: no SRV.
        ("sip:bob@example.com:5099", ["udp:192.0.2.99:5099"]),
        ("sips:bob@plain.example:5099", ["tls:192.0.2.97:5099;name=plain.example"]),
        # Without NAPTR the transports that have SRV records, without those the host itself.
        ("sip:bob@only-srv.example", ["tcp:192.0.2.3:5064", "tcp:[2001:db8::3]:5064"]),
        ("sip:bob@plain.example", ["udp:192.0.2.97:5060"]),
        ("sip:bob@PLAIN.example", ["udp:192.0.2.97:5060"]),
        ("sips:bob@plain.example", ["tls:192.0.2.97:5061;name=plain.example"]),
        ("sip:bob@plain.example;transport=tcp", ["tcp:192.0.2.97:5060"]),
        ("sip:bob@192.0.2.7;maddr=plain.example", ["udp:192.0.2.97:5060"]),
    ],
)
async def test_the_servers_are_those_that_the_rfc_finds(uri: str, places: list[str]) -> None:
    assert await found(Zone(EXAMPLE), uri) == places


async def test_for_numbers_and_names_of_this_machine_nobody_is_asked() -> None:
    zone = Zone({}, localhost="127.0.0.1")
    assert await found(zone, "sip:bob@192.0.2.7") == ["udp:192.0.2.7:5060"]
    assert await found(zone, "sip:bob@localhost") == ["udp:127.0.0.1:5060"]
    assert not zone.asked


async def test_only_our_address_families_are_looked_up_the_preferred_first() -> None:
    uri = "sip:bob@two.example.com:5060"
    assert len(await found(zone := Zone(EXAMPLE), uri, families=[4])) == 1
    assert ("two.example.com", "AAAA") not in zone.asked
    both = await found(Zone(EXAMPLE), uri, families=[6, 4])
    assert both == ["udp:[2001:db8::3]:5060", "udp:192.0.2.3:5060"]
    with pytest.raises(CallFailed, match="no way to 2001:db8::1: we listen at no IPv6 address"):
        await found(Zone({}), "sip:bob@[2001:db8::1]", families=[4])


async def test_transports_that_we_do_not_speak_are_passed_over() -> None:
    places = await found(Zone(EXAMPLE), "sip:bob@example.com", transports=["tcp"])
    assert places[0].startswith("tcp:192.0.2.1:5062")
    for uri in ("sips:bob@example.com", "sip:bob@192.0.2.7;transport=tls"):
        with pytest.raises(CallFailed, match="wants TLS, which we don't speak"):
            await found(Zone(EXAMPLE), uri, transports=["udp", "tcp"])


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sip:bob@nowhere.example", "503 there is no host named nowhere.example"),
        ("sip:bob@closed.example", "503 closed.example takes no calls"),
        ("sip:bob@dead.example", "503 no name server answers for dead.example"),
        ("tel:+49301234", r"503 tel:\+49301234 can only be called by way of a proxy"),
        ("sips:bob@192.0.2.1;transport=udp", "503 sips: does not go over udp"),
        ("sip:bob@192.0.2.1;transport=sctp", "503 sip: does not go over sctp"),
    ],
)
async def test_what_can_not_be_found_is_said_in_one_sentence(uri: str, words: str) -> None:
    zone = Zone(
        {
            ("_sip._udp.closed.example", "SRV"): [Srv(0, 0, 0, "")],
            ("closed.example", "A"): ["192.0.2.1"],
            ("dead.example", "A"): None,
            ("dead.example", "AAAA"): None,
        }
    )
    with pytest.raises(CallFailed, match=words):
        await found(zone, uri)


async def test_a_name_server_that_knows_no_naptr_and_keeps_silent_is_no_harm() -> None:
    zone = Zone({**EXAMPLE, ("only-srv.example", "NAPTR"): None, ("_sip._udp.only-srv.example", "SRV"): None})
    assert (await found(zone, "sip:bob@only-srv.example"))[0].startswith("tcp:192.0.2.3:5064")


async def test_of_two_servers_one_without_address_is_left_out() -> None:
    zone = Zone(
        {
            ("_sip._udp.x.example", "SRV"): [
                Srv(1, 0, 5060, "gone.example"),
                Srv(2, 0, 5061, "here.example"),
            ],
            ("gone.example", "A"): None,
            ("here.example", "A"): ["192.0.2.1"],
        }
    )
    assert await found(zone, "sip:x.example", families=[4]) == ["udp:192.0.2.1:5061"]


async def test_a_search_ends_in_time() -> None:
    class Silent(Zone):
        async def ask(self, name: str, kind: Kind, *, timeout: float) -> tuple[Record, ...]:
            await asyncio.sleep(60)
            return ()

    began = asyncio.get_running_loop().time()
    with pytest.raises(CallFailed, match="no name server answers"):
        await found(Silent({}), "sip:bob@example.com", timeout=0.1)
    assert asyncio.get_running_loop().time() - began < 2


# RFC 2782 and RFC 3263 §4.1

servers = st.lists(
    st.builds(
        Srv, st.integers(0, 3), st.integers(0, 5), st.integers(1, 9), st.sampled_from(["a", "b", "c", "d"])
    ),
    max_size=12,
)


@given(servers, st.integers())
def test_servers_are_each_tried_once_those_of_lower_priority_number_first(
    records: list[Srv], seed: int
) -> None:
    ordered = order_srv(records, random.Random(seed).random)
    assert Counter(ordered) == Counter(records)
    priorities = [record.priority for record in ordered]
    assert priorities == sorted(priorities)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 20), min_size=2, max_size=4, unique=True), st.integers(0, 2**32))
def test_among_equals_the_weight_is_the_share_of_firsts(weights: list[int], seed: int) -> None:
    records = [Srv(1, weight, weight, "x") for weight in weights]
    chance, rounds = random.Random(seed), 2000
    firsts = Counter(order_srv(records, chance.random)[0].weight for _ in range(rounds))
    for weight in weights:
        # RFC 2782 draws from 0 to the sum, both included: the first has one ticket more.
        share = weight / sum(weights)
        assert abs(firsts[weight] / rounds - share) < 0.06 + 1 / (sum(weights) + 1)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_a_server_without_weight_is_rarely_but_sometimes_first(seed: int) -> None:
    records = [Srv(1, 9, 1, "heavy"), Srv(1, 0, 2, "light")]
    chance = random.Random(seed)
    firsts = Counter(order_srv(records, chance.random)[0].target for _ in range(1000))
    assert 0 < firsts["light"] < 250


pointers = st.lists(
    st.builds(
        Naptr,
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["s", "u", "a", ""]),
        st.sampled_from(["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2S", "E2U+sip", ""]),
        st.sampled_from(["a.example", "b.example"]),
    ),
    max_size=12,
)


@given(pointers)
def test_pointers_of_the_lowest_usable_order_lead_the_preferred_first(records: list[Naptr]) -> None:
    chosen = choose_naptr(records, ["udp", "tcp"])
    usable = [r for r in records if r.flags == "s" and r.service in ("SIP+D2U", "SIP+D2T")]
    lowest = min((record.order for record in usable), default=None)
    assert Counter(record for _, record in chosen) == Counter(r for r in usable if r.order == lowest)
    preferences = [record.preference for _, record in chosen]
    assert preferences == sorted(preferences)


# What the machine knows


def test_the_hosts_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    hosts = HostsFile(str(path))
    assert hosts.addresses("pbx") == ()
    assert hosts.addresses("localhost") == ("127.0.0.1", "::1")
    path.write_text(
        "# a comment\n192.0.2.1 pbx PBX.example # and one more\n\nnonsense here\n2001:db8::1\tpbx\n"
    )
    assert hosts.addresses("PBX") == ("192.0.2.1", "2001:db8::1")
    assert hosts.addresses("pbx.example.") == ("192.0.2.1",)
    assert hosts.addresses("here") == ()


async def test_what_is_no_name_has_no_records() -> None:
    lookup = Lookup(["127.0.0.1:9"])
    for name in ("a" * 64 + ".example", "a..b", ".".join(["abcdefgh"] * 40)):
        assert await lookup.ask(name, "A", timeout=1) == ()
    await lookup.close()
