"""JSON of images: documents that tools read differently are refused, and so is what only Python accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.images import config_document
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.errors import ContentError
from m2build.oci.digest import Digest
from m2build.oci.manifest import canonical, parse_manifest
from m2build.oci.media_types import OCI
from m2build.oci.shapes import CONFIG, LAYOUT, MANIFEST, SAVED
from m2build.oci.strict_json import Shape, parse_json

CONFIG_TEXT = json.dumps(config_document([b"one"]))


def read(text: str, shape: Shape = CONFIG) -> object:
    return parse_json(text.encode(errors="surrogatepass"), "config", shape)


@pytest.mark.parametrize(
    "value",
    ["1e400", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 5000, "01",
     '"\\ud800"', '{"\\udc00": 1}', "[" * 5000 + "]" * 5000, "[" * 200 + "]" * 200,
     '{"a": 1, "a": 2}', '"a\nb"', "'a'", "\ud800"],
)  # fmt: skip
def test_malformed_json_is_refused_at_any_depth(value: str) -> None:
    for text in (CONFIG_TEXT[:-1] + f', "x": {value}}}', CONFIG_TEXT[:-1] + f', "x": [{{"y": {value}}}]}}'):
        with pytest.raises(ContentError):
            read(text)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"a": "\xff"}', b"", b"{} {}"])
def test_other_encodings_and_other_documents_are_refused(raw: bytes) -> None:
    with pytest.raises(ContentError):
        parse_json(raw, "config", CONFIG)


TWINS: dict[str, tuple[Shape, str]] = {
    "config": (CONFIG, '{"config": {}, "Config": {"Entrypoint": ["evil"]}}'),
    "alone": (CONFIG, '{"Config": {"Entrypoint": ["evil"]}}'),
    "entrypoint": (CONFIG, '{"config": {"Entrypoint": [], "entrypoint": ["evil"]}}'),
    "long s": (CONFIG, '{"hi\u017ftory": []}'),
    "rootfs": (CONFIG, '{"rootfs": {"type": "layers", "DIFF_IDS": []}}'),
    "history": (CONFIG, '{"history": [{"Empty_Layer": true}]}'),
    "layers": (MANIFEST, '{"layers": [], "Layers": []}'),
    "digest": (MANIFEST, '{"layers": [{"digest": "sha256:1", "Digest": "sha256:2"}]}'),
    "manifests": (MANIFEST, '{"MANIFESTS": []}'),
    "platform": (MANIFEST, '{"manifests": [{"platform": {"OS": "linux"}}]}'),
    "layout": (LAYOUT, '{"ImageLayoutVersion": "1.0.0"}'),
    "saved": (SAVED, '[{"Config": "a", "config": "b"}]'),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_known_key_in_another_case_is_refused(name: str) -> None:
    """Go ignores the case of keys: docker would start another entrypoint than m2build shows."""
    shape, text = TWINS[name]
    with pytest.raises(ContentError, match="which some tools read as"):
        read(text, shape)


@pytest.mark.parametrize(
    "text",
    ['{"config": {"Labels": {"a": "1", "A": "2"}}}', '{"x": 1, "X": 2}', '{"config": {"X-Mine": 1, "x-mine": 2}}',
     '{"config": {"Env": null, "Volumes": {"/a": {}, "/A": {}}}}'],
)  # fmt: skip
def test_unknown_keys_may_differ_by_case(text: str) -> None:
    assert read(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"config": {"Entrypoint": "sh"}}', "it['config']['Entrypoint'] is not a list"),
        ('{"config": {"Labels": {"a": 1}}}', "it['config']['Labels']['a'] is not a string"),
        ('{"config": {"Volumes": {"/v": 1}}}', "is not an object"),
        ('{"history": [{"empty_layer": 1}]}', "it['history'][0]['empty_layer'] is not true or false"),
        ('{"config": {"StopTimeout": 1.5}}', "is not a whole number"),
        ('{"config": {"StopTimeout": 9223372036854775808}}', "is not a whole number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_position(text: str, place: str) -> None:
    """Every tool in Go refuses the whole config, so an image with it would be useless."""
    with pytest.raises(ContentError) as caught:
        read(text)
    assert place in str(caught.value)
    assert str(caught.value).startswith(f"the config {Digest.of(text.encode())}: it")


def test_a_descriptor_of_the_wrong_form_is_refused_with_its_manifest() -> None:
    raw = b'{"schemaVersion": 2, "config": {"digest": "x"}, "layers": []}'
    with pytest.raises(ContentError, match=f"the manifest {Digest.of(raw)}: the descriptor of x has no media type"):
        parse_manifest(raw, OCI.manifest)


def test_large_and_dense_documents_are_refused() -> None:
    with pytest.raises(ContentError, match="larger than 4194304 bytes"):
        read('{"x": "' + "x" * (4 << 20) + '"}')
    with pytest.raises(ContentError, match="more than 100000 lists"):
        read('{"x": [' + "[]," * 100_001 + "[]]}")


NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.sampled_from('ab\n"\\\u00e9\u2028\U0001f600'), max_size=4)
JSON: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | TEXTS | st.lists(NUMBERS | TEXTS, max_size=3)


@settings(deadline=None)
@given(st.dictionaries(st.text("xyz\u00e9\n", min_size=1, max_size=3), JSON, max_size=4), st.booleans())
def test_json_round_trips(document: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001
    raw = json.dumps(document, ensure_ascii=ascii_only).encode()
    found = parse_json(raw, "config", CONFIG)
    assert found == document
    assert isinstance(found, dict)
    assert json.loads(canonical(found)) == document
