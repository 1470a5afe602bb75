"""`WWW-Authenticate`: what registries send, and malformed headers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.registry.challenge import Challenge, parse_challenges

BASIC = Challenge("basic", {"realm": "x"})


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        ("Basic", [Challenge("basic", {})]),
        ('Basic realm="x"', [BASIC]),
        ("Basic realm=x", [BASIC]),
        ('BASIC REALM = "x" ', [BASIC]),
        ('Basic realm="x", charset="UTF-8"', [Challenge("basic", {"realm": "x", "charset": "UTF-8"})]),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'Bearer realm="r",error="invalid_token" , scope=""',
            [Challenge("bearer", {"realm": "r", "error": "invalid_token", "scope": ""})],
        ),
        ('Bearer realm="a\\"b\\\\c"', [Challenge("bearer", {"realm": 'a"b\\c'})]),
        ('Bearer realm="r", Basic realm="x"', [Challenge("bearer", {"realm": "r"}), BASIC]),
        ('Bearer realm="r",scope="a,b", Basic realm="x"', [Challenge("bearer", {"realm": "r", "scope": "a,b"}), BASIC]),
        ('Negotiate, Basic realm="x"', [Challenge("negotiate", {}), BASIC]),
        ('Negotiate , Basic realm="x"', [Challenge("negotiate", {}), BASIC]),
        ('Basic realm="x", Negotiate', [BASIC, Challenge("negotiate", {})]),
        (', ,Basic realm="x"', [BASIC]),
        ('Basic realm="x', [Challenge("basic", {})]),
        ("Basic realm", [Challenge("basic", {}), Challenge("realm", {})]),
        ('="x"', []),
        ('Bearer realm="r" service="s"', [Challenge("bearer", {"realm": "r", "service": "s"})]),
        ('Bearer realm="r";service="s"', [Challenge("bearer", {"realm": "r"})]),
        ("\u00e4 \u00ff", []),
    ],
)
def test_parsed_challenges(header: str, found: list[Challenge]) -> None:
    assert parse_challenges(header) == found


TOKEN = st.text("ABCabc019-._~", min_size=1, max_size=8)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True),
            st.dictionaries(TOKEN.map(str.lower), QUOTED, max_size=3),
        ),
        max_size=3,
    )
)
def test_well_formed_headers_round_trip(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    parts = [
        f"{scheme} {', '.join(f'{key}={quoted(value)}' for key, value in parameters.items())}".strip()
        for scheme, parameters in challenges
    ]
    assert parse_challenges(", ".join(parts)) == [
        Challenge(scheme.lower(), parameters) for scheme, parameters in challenges
    ]


@settings(max_examples=500)
@given(st.text(st.sampled_from('aB1 ,="\\\t\u00ff;-'), max_size=60) | st.text(max_size=60))
def test_no_header_raises(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower() != ""


@pytest.mark.parametrize(
    "piece", ["a ", "a=", 'a="', '"', "a,", ",", "\\", 'a="\\', " ", "a =", "a= ", "\t,a", 'a="b" ']
)
def test_parsing_time_is_linear(piece: str) -> None:
    """Python's own client reads headers up to 64 KiB."""
    started = time.perf_counter()
    parse_challenges("Bearer " + piece * ((64 << 10) // len(piece)))
    assert time.perf_counter() - started < 2
