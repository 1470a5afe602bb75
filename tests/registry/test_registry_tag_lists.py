"""The tags of a repository, over as many pages as a registry makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.images import SAMPLE, image
from helpers.registry.faultproxy import Proxy, Rule, fault_proxy
from helpers.registry.registries import access, crane_registry, docker_registry, reference, upload, upload_manifest

from m2build import Session
from m2build.errors import ContentError, M2BuildError, TransportError, UsageError
from m2build.registry import listing

TAGS = [f"v0.5.{number}-rocm" for number in range(7)]
ONE = image(*SAMPLE)
ATTACHED = [f"sha256-{64 * 'a'}{suffix}" for suffix in ("", ".sig", ".att", ".sbom")] + [f"sha512-{64 * 'b'}"]
"""Tags of what is attached to images: lists of referrers, and what cosign writes."""


def page(*tags: object, link: str | None = None) -> Rule:
    """The next page that the registry sends."""
    body = json.dumps({"name": "one", "tags": list(tags)}).encode()
    return Rule(path="tags/list", status=200, body=body, times=1, headers={"Link": link} if link else {})


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A registry that has nothing but what rules say."""
    with fault_proxy("127.0.0.1:1", Rule(path="/v2/$", status=200)) as proxy:
        yield proxy


def listed(host: str) -> tuple[str, ...]:
    return listing.list_tags(access().pull(reference(host, "one")))


@pytest.mark.parametrize("registry", [docker_registry, crane_registry])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_real_registries_give_all_pages_and_no_tag_of_what_is_attached(
    registry: type, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PAGE", size)
    with registry(tmp_path) as host:
        upload(host, "one", ONE, TAGS[0])
        for tag in (*TAGS[1:], *ATTACHED):
            upload_manifest(host, "one", tag, ONE.manifest.raw, ONE.manifest.types.manifest)
        assert sorted(Session().tags(f"{host}/one")) == TAGS


@pytest.mark.parametrize(
    "link",
    [
        '</v2/one/tags/list?last=b&n=2>; rel="next"',
        "<http://{host}/v2/one/tags/list?last=b&n=2>; rel=next",
        '<list?last=b&n=2>;rel="next"',
        '</v2/one/tags/list>; rel="prev", </v2/one/tags/list?last=b&n=2>; title="more"; REL="last next"',
    ],
    ids=["absolute path", "URL", "relative path", "several"],
)
def test_the_link_to_the_next_page_may_have_any_form(link: str, proxy: Proxy) -> None:
    proxy.rules += [page("a", "b", link=link.format(host=proxy.host)), page("b", "c")]
    assert listed(proxy.host) == ("a", "b", "c")
    assert [path for _, path in proxy.requests if "list" in path] == [
        "/v2/one/tags/list?n=1000",
        "/v2/one/tags/list?last=b&n=2",
    ]


@pytest.mark.parametrize("link", ['</v2/one/tags/list?last=a>; rel="prev"', "no link", '<x>; rel="nextdoor"', ""])
def test_other_links_lead_nowhere(link: str, proxy: Proxy) -> None:
    proxy.rules.append(page("a", link=link))
    assert listed(proxy.host) == ("a",)


def test_a_full_page_without_a_link_is_asked_for_more(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGE", 2)
    proxy.rules += [page("a", "b"), page("c", "d"), page("c", "d")]
    assert listed(proxy.host) == ("a", "b", "c", "d")
    asked = [path.partition("?")[2] for _, path in proxy.requests if "list" in path]
    assert asked == ["n=2", "n=2&last=b", "n=2&last=d"]


def test_a_tag_may_begin_as_a_digest_does(proxy: Proxy) -> None:
    named = ("sha256-0123456789ab", f"sha256-{64 * 'a'}-dev", f"rocm-{64 * 'a'}")
    proxy.rules.append(page(*named, *ATTACHED))
    assert listed(proxy.host) == named


def test_a_repository_may_be_empty(proxy: Proxy) -> None:
    proxy.rules += [Rule(path="tags/list", status=200, body=b'{"name": "one", "tags": null}')]
    assert listed(proxy.host) == ()


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (Rule(path="tags", status=200, body=b"<html>"), ContentError, "is not a list of tags"),
        (Rule(path="tags", status=200, body=b"[" * 10_000), ContentError, "is not a list of tags"),
        (Rule(path="tags", status=200, body=b'{"name": "one"}'), ContentError, "is not a list of tags"),
        (page("a", "../b"), ContentError, r"the registry lists '\.\./b', which is not a tag"),
        (page("a", 1), ContentError, "the registry lists '1', which is not a tag"),
        (Rule(path="tags", status=404), TransportError, "answers 404 to GET tags/list"),
        (Rule(path="tags", status=200, body=b" " * (5 << 20)), M2BuildError, "bytes"),
    ],
)
def test_what_is_no_list_of_tags_is_refused(rule: Rule, error: type[M2BuildError], message: str, proxy: Proxy) -> None:
    proxy.rules.append(rule)
    with pytest.raises(error, match=message):
        listed(proxy.host)


def test_pages_that_do_not_end_are_refused(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.rules.append(page("a", link='</v2/one/tags/list?n=1000>; rel="next"'))
    proxy.rules[-1].times = 9
    with pytest.raises(TransportError, match="the pages with its tags do not end"):
        listed(proxy.host)
    monkeypatch.setattr(listing, "_MOST_PAGES", 3)
    proxy.rules[1:] = [page("a", link=f'</v2/one/tags/list?last={number}>; rel="next"') for number in range(9)]
    with pytest.raises(TransportError, match="the pages with its tags do not end"):
        listed(proxy.host)


def test_a_tag_is_no_repository() -> None:
    with pytest.raises(UsageError, match="localhost:5000/one:a is an image, not a repository"):
        Session().tags("localhost:5000/one:a")
