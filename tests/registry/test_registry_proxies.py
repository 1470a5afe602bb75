"""The variables of other tools for proxies and for certificate authorities."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.registry.faultproxy import Rule, fault_proxy
from helpers.registry.registries import access, run
from helpers.registry.registry_checks import pull, visible
from helpers.support import sampled

from m2build.errors import TransportError, UsageError
from m2build.registry.no_proxy import is_direct
from m2build.registry.trust import trust

RULES = [
    ("registry.example.com", "example.com", True),
    ("registry.example.com", ".example.com", True),
    ("registry.example.com", "*.example.com", True),
    ("registry.example.com", "*.com", True),
    ("registry.example.com", "registry.example.com", True),
    ("registry.example.com", "REGISTRY.Example.Com", True),
    ("registry.example.com", "registry.example.com:443", True),
    ("registry.example.com:5000", "registry.example.com:443", False),
    ("registry.example.com:5000", "registry.example.com:5000", True),
    ("registry.example.com:5000", "registry.example.com", True),
    ("registry.example.com:5000", ".example.com:5000", True),
    ("registry.example.com", "other.com, example.com", True),
    ("registry.example.com", "other.com example.com", True),
    ("registry.example.com", "*", True),
    ("registry.example.com", "other.com,*", True),
    ("example.com", "*.example.com", True),
    ("example.com.", "example.com", True),
    ("badexample.com", "example.com", False),
    ("example.com.evil.net", "example.com", False),
    ("registry.example.com", "", False),
    ("registry.example.com", ", ,", False),
    ("registry.example.com", ".", False),
    ("registry.example.com", "10.0.0.0/8", False),
    ("10.1.2.3", "10.0.0.0/8", True),
    ("10.1.2.3", "10.1.2.3/8", True),
    ("11.1.2.3", "10.0.0.0/8", False),
    ("10.1.2.3", "10.1.2.3", True),
    ("10.1.2.3:5000", "10.1.2.3:5000", True),
    ("10.1.2.3:5000", "10.1.2.3:443", False),
    ("10.1.2.3", "2.3", False),
    ("[fd00::1]", "fd00::/8", True),
    ("[fd00::1]:5000", "[fd00::1]:5000", True),
    ("[fd00::1]:5000", "[fd00::1]:443", False),
    ("[fd00::1]", "[fd00::1]", True),
    ("[fd00::1]", "10.0.0.0/8", False),
]


@pytest.mark.parametrize(("host", "rules", "spared"), RULES)
def test_hosts_that_no_proxy_matches(host: str, rules: str, spared: bool) -> None:  # noqa: FBT001
    url = urlsplit(f"https://{host}/v2/")
    assert is_direct(url, url.port or 443, rules) is spared


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTPS_PROXY": "http://{proxy}"},
        {"https_proxy": "http://{proxy}"},
        {"HTTPS_PROXY": "{proxy}"},
        {"HTTPS_PROXY": "http://{proxy}", "https_proxy": "http://127.0.0.1:1"},
        {"HTTPS_PROXY": "", "https_proxy": "http://{proxy}/"},
        {"HTTPS_PROXY": "http://{proxy}", "NO_PROXY": "other.invalid,10.0.0.0/8"},
    ],
)
def test_variables_that_name_the_proxy(environment: dict[str, str]) -> None:
    with fault_proxy("unused", Rule("CONNECT", status=403)) as proxy:
        filled = {key: value.format(proxy=proxy.host) for key, value in environment.items()}
        with pytest.raises(TransportError, match=r"registry\.invalid cannot be reached through the proxy: .*403"):
            pull(access({"HOME": "/nonexistent", **filled}), "registry.invalid", "app:v1")
        assert proxy.requests == [("CONNECT", "registry.invalid:443")]


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("rules", ["*.invalid", ".invalid", "registry.invalid:443", "*"])
def test_hosts_in_no_proxy_bypass_the_proxy(variable: str, rules: str) -> None:
    with fault_proxy("unused") as proxy:
        environment = {"HOME": "/nonexistent", "HTTPS_PROXY": f"http://{proxy.host}", variable: rules}
        with pytest.raises(TransportError, match="does not resolve"):
            pull(access(environment), "registry.invalid", "app:v1")
        assert proxy.records == []


def test_a_proxys_password_is_never_shown() -> None:
    """Not even in the proxy's own message when it refuses."""
    refusal = b"HTTP/1.1 407 hush-0815 YWxpY2U6aHVzaC0wODE1\r\n\r\n"
    with fault_proxy("unused", Rule("CONNECT", raw=refusal)) as proxy:
        environment = {"HOME": "/nonexistent", "HTTPS_PROXY": f"http://alice:hush-0815@{proxy.host}"}
        with pytest.raises(TransportError, match="cannot be reached through the proxy") as caught:
            pull(access(environment), "registry.invalid", "app:v1")
    assert proxy.records[0].headers["proxy-authorization"] == "Basic YWxpY2U6aHVzaC0wODE1"
    for secret in ("hush-0815", "YWxpY2U6aHVzaC0wODE1"):
        assert secret not in visible(caught.value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    key, certificate = folder / "key.pem", folder / "authority.pem"
    new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(*new, "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=an authority of ours")
    return certificate


def names_of_authorities(environment: dict[str, str]) -> str:
    return str(trust(environment, insecure=False).get_ca_certs())


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_with_authorities(variable: str, authority: Path) -> None:
    assert "an authority of ours" in names_of_authorities({variable: str(authority)})


@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_a_folder_with_authorities(variable: str, authority: Path, tmp_path: Path) -> None:
    """With files of any name, and other files beside them, as for Go's tools."""
    shutil.copy(authority, tmp_path / "corp.crt")
    (tmp_path / "README").write_text("no certificate")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    folders = f"{tmp_path / 'folder'}:{tmp_path / 'absent'}:{tmp_path}" if variable == "SSL_CERT_DIR" else str(tmp_path)
    if variable == "SSL_CERT_DIR":
        shutil.copy(authority, tmp_path / "folder" / "again.pem")
    assert "an authority of ours" in names_of_authorities({variable: folders})


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("place", sampled(["absent", "empty", "folder"], every=3))
def test_a_file_or_folder_without_certificates_is_reported(variable: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    path = tmp_path / place
    with pytest.raises(UsageError, match=f"{variable} names {path}, which contains no certificates") as caught:
        trust({variable: str(path)}, insecure=False)
    assert variable in str(caught.value.hint)
    trust({variable: str(path)}, insecure=True)
