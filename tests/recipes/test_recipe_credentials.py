"""What is taken for a credential and what is not: both cost, a leaked key as much as a variable that is refused."""

from __future__ import annotations

import random
import re
import string
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2build.patches.pypi import fetch_wheel
from m2build.patches.sources import from_wheel
from m2build.recipes.credentials import credential

LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xR"
"""As mixed as a key; not one."""


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "WANDB_API_KEY", "OPENAI_API_KEY", "POSTGRES_PASSWORD", "DB_PASSWD", "DB_PWD", "CLIENT_SECRET", "GH_PAT",
        "SSH_PRIVATE_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "VAULT_TOKEN_2", "hfToken", "com.example.api-key",
        "SGLANG_S3_SECRET_ACCESS_KEY", "DOCKER_AUTH_CREDENTIALS", "KEY_PASSPHRASE", "SGLANG_API_KEYS",
    ],
)  # fmt: skip
def test_a_name_tells(name: str) -> None:
    assert credential(name, "correct-horse") == credential(name, "1234")
    assert str(credential(name, "x")).startswith("its name ends in ")


FORMS = {
    "GitHub": [f"ghp_{LETTERS}1234", f"gho_{LETTERS}1234", f"ghs_{LETTERS}1234", f"github_pat_{LETTERS}_{LETTERS}"],
    "GitLab": [f"glpat-{LETTERS[:20]}", f"gldt-{LETTERS[:20]}"],
    "Hugging Face": [f"hf_{LETTERS}ab", f"api_org_{LETTERS}ab"],
    "OpenAI or Anthropic": [f"sk-proj-{LETTERS}", f"sk-{LETTERS}", f"sk-ant-api03-{LETTERS}"],
    "Slack": ["xoxb-1234567890-abcdef", f"https://hooks.slack.com/services/T0/{LETTERS}"],
    "AWS": ["AKIA" + "ABCDEFGH" * 2, "ASIA" + "234567AB" * 2],
    "Google": [f"AIza{LETTERS}abc", f"GOCSPX-{LETTERS}"],
    "Azure": [f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={LETTERS}{LETTERS}=="],
    "Stripe": [f"sk_live_{LETTERS}", f"whsec_{LETTERS}"],
    "package registry": [f"npm_{LETTERS}ab", f"pypi-AgEIcHlwaS5vcmc{LETTERS}", f"dckr_pat_{LETTERS}"],
    "host of models": [f"nvapi-{LETTERS}", f"gsk_{LETTERS}", f"r8_{LETTERS}"],
    "DigitalOcean": ["dop_v1_" + "0a1b2c3d" * 8],
    "JSON Web Token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"],
    "private key": ["-----BEGIN OPENSSH PRIVATE KEY----- abc", "-----BEGIN PRIVATE KEY-----"],
    "authorization": ["Authorization: Bearer abcdefghijklmnop", "Basic dXNlcjpwYXNzd29yZA=="],
    "address with a password": ["postgres://app:geheim@db/app", "https://x:y@example.com/"],
    "a known vendor's token": [
        "shpat_" + "0a1b" * 8,
        "rubygems_" + "0a1b" * 12,
        "sntryu_" + "0a1b" * 16,
        "NRAK-" + "0A1B" * 7,
        "oy2" + "a" * 43,
        "lsv2_pt_" + "0a1b" * 8 + "_0a1b2c3d4e",
        "sbp_" + "0a1b" * 10,
        "pul-" + "0a1b" * 10,
        "rpa_" + "0A1B" * 11,
        "PMAK-" + "0a1b" * 6 + "-" + "0a1b" * 8,
        "CCIPAT_" + LETTERS[:22] + "_" + "0a1b" * 10,
        "AKCp" + "abcd" * 17,
    ],
    "Telegram": ["1234567890:AA" + LETTERS + "x"],
    "Mailgun or Mailchimp": ["key-" + "0a1b" * 8, "0a1b" * 8 + "-us12"],
    "Zhipu": ["0a1b" * 8 + "." + LETTERS[:16]],
    "Airtable": ["pat" + LETTERS[:14] + "." + "0a1b" * 16],
    "webhook": ["https://discord.com/api/webhooks/123/x", "https://a.webhook.office.com/webhookb2/x"],
    "PuTTY": ["PuTTY-User-Key-File-2: ssh-rsa"],
    "login of docker": ['{"auths":{"r.example":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'],
    "age": ["AGE-SECRET-KEY-1" + "QPZRY9X8" * 6],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in FORMS.items() for value in values])
def test_a_form_tells_whatever_the_name(kind: str, value: str) -> None:
    for text in (value, f"--header={value}", f"a {value} b"):
        assert kind in str(credential("GREETING", text))


def test_a_credential_in_a_text_in_base64_is_found() -> None:
    for value in (FORMS["login of docker"][0], f"token: ghp_{LETTERS}1234\n"):
        assert "it has the form of" in str(credential("GREETING", b64encode(value.encode()).decode()))


HARMLESS = {
    "CONFIG": b64encode(b'{"model": "MiniMaxAI/MiniMax-M2", "tp": 8}').decode(),
    "SCRIPT": b64encode(b"#!/bin/sh\nexec python3 -m sglang.launch_server\n").decode(),
    "SIGNER": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7x0fZ8q1k2m3n4o5p6q7r8s9t0u1v2w3x4y5z6a7b8 user@host",
    "KERNEL": "_ZN5aiter10layer_normERN2at6TensorES2_S2_f",
    "HF_HOME": "/models", "TOKENIZERS_PARALLELISM": "false", "MAX_TOKENS": "4096", "NCCL_MIN_NCHANNELS": "112",
    "HSA_NO_SCRATCH_RECLAIM": "1", "HSA_OVERRIDE_GFX_VERSION": "9.4.2", "SGLANG_USE_AITER": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "PAD_TOKEN": "<pad>", "EOS_TOKEN": "</s>", "MAX_TOKEN": "8192",
    "HF_TOKEN_PATH": "/run/secrets/hf", "HF_TOKEN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "GOOGLE_APPLICATION_CREDENTIALS": "/etc/gcp/key.json", "VLLM_API_KEY": "/run/secrets/key", "PWD": "/x",
    "OLDPWD": "/y", "KEY": "value", "SORT_KEY": "name", "MONKEY": "patch", "PASSWORD_FILE": "/run/secrets/password",
    "PYTORCH_HIP_ALLOC_CONF": "expandable_segments:True,max_split_size_mb:512",
    "MODEL": "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "ARCHITECTURE": "MiniMaxM2ForCausalLM",
    "org.opencontainers.image.revision": "9e107d9d372bb6826bd81d3542a419d6e4d909a1",
    "com.example.run": "123e4567-e89b-12d3-a456-426614174000",
    "com.example.base": f"registry.example/team/Image2B:v0.5.7-rocm700-mi30x@sha256:{'ab12' * 16}",
    "com.example.integrity": "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
    "org.opencontainers.image.source": "https://github.com/sgl-project/sglang/blob/ffd029dc9456b53bb8d8/x.py",
    "HTTPS_PROXY": "http://user@proxy:3128", "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "GREETING": "ghp_ is how a token of GitHub begins, sk- one of OpenAI", "HELP": "see task-abcdefghijklmnopqrstuvw",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HARMLESS.items())
def test_what_only_looks_a_bit_like_one_passes(name: str, value: str) -> None:
    assert credential(name, value) is None


def test_of_all_variables_in_sglangs_sources_a_token_is_refused_and_nothing_else() -> None:
    tree = from_wheel(fetch_wheel("sglang==0.5.7"))
    text = "\n".join(tree[path].content.decode() for path in tree if path.endswith(".py"))
    names = set(re.findall(r"\b(?:SGLANG|SGL|HSA|HIP|NCCL|AITER|VLLM|TORCH|HF|TRITON|ROCM|MAX)_[A-Z0-9_]+\b", text))
    assert len(names) > 300
    assert {name for name in names if credential(name, "value")} == {"SGLANG_DIFFUSION_SLACK_TOKEN"}
    texts = [one for one in re.findall(r'"([^"\\n]{20,200})"', text) if credential("X", one)]
    assert len(texts) < 5, texts


@given(value=st.text(string.ascii_letters + string.digits, min_size=40, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_has_an_answer_and_its_reason_does_not_repeat_it(value: str) -> None:
    assert value not in str(credential("X", value))


def test_random_keys_are_found_without_a_telling_name() -> None:
    """Forty characters of base64, as AWS has them, and of letters and digits; seeded."""
    chance = random.Random(7)  # noqa: S311 - no secrets here
    for alphabet in (string.ascii_letters + string.digits, f"{string.ascii_letters}{string.digits}+/"):
        keys = ["".join(chance.choices(alphabet, k=40)) for _ in range(400)]
        assert sum(credential("X", key) == "it is as random as a key" for key in keys) > 360
