"""Values that look like credentials: an image keeps its variables and labels for everybody who can pull it.

Facts, not code, come from these sources: GitHub's list of supported secret scanning patterns
(https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns), the rules of
gitleaks (https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml), and the page of the vendor where a
line below names one. A value that only says where a credential is, or whether one is used, is none.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from math import log2

_FORMATS: Mapping[str, str] = {
    "a private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
    "a private key of age": r"\bAGE-SECRET-KEY-1[0-9A-Z]{20}",
    "a JSON Web Token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.",  # RFC 7519: two JSON objects, each begins with {"
    "an HTTP authorization": r"(?i)\b(bearer|basic) [\w+/=.~-]{16,}",  # RFC 7617, RFC 6750
    "an address with a password": r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@",  # RFC 3986, 3.2.1
    "a token of GitHub": r"\b(gh[pousr]_\w{30,}|github_pat_\w{20,})",
    "a token of GitLab": r"\bgl[a-z]{2,5}-[\w-]{20,}",  # docs.gitlab.com/security/tokens: glpat-, glptt-, gldt-, ...
    "a token of Hugging Face": r"\b(hf_|api_org_)[A-Za-z0-9]{30,}",
    "a key of OpenAI or Anthropic": r"\bsk-[\w-]{20,}",
    "a token of Slack": r"\b(xox[abeoprs]-|xapp-)[\w-]{10,}|hooks\.slack\.com/services/\w+/\w+",
    "an access key of AWS": r"\b(AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",  # IAM user guide, unique identifiers
    "a key of Google": r"\b(AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,})",
    "a key of Azure": r"\b(AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}|[?&]sig=[A-Za-z0-9%]{40,}",
    "a key of Stripe": r"\b([rs]k_(live|test)_|whsec_)[A-Za-z0-9]{16,}",
    "a token of a package registry": r"\b(npm_[A-Za-z0-9]{30,}|pypi-AgE[\w-]{20,}|dckr_(pat|oat)_[\w-]{20,})",
    "a key of a host of models": r"\b(nvapi-|gsk_|r8_|xai-|pplx-|fw_|dapi|csk-)[\w-]{24,}",
    "a token of DigitalOcean": r"\bdo[opr]_v1_[a-f0-9]{40,}",
    "a login of docker": r'"auth"\s*:\s*"[\w+/=-]{8,}"',  # docs.docker.com/reference/cli/docker/login: config.json
    "a private key of PuTTY": r"\bPuTTY-User-Key-File-\d",
    "the address of a webhook": r"\bdiscord(app)?\.com/api/webhooks/\d+/\w|\bwebhook\.office\.com/webhookb2/\w",
    "a token of Telegram": r"\b\d{8,10}:AA[\w-]{33}",
    "a key of Mailgun or Mailchimp": r"\bkey-[a-f0-9]{32}\b|\b[a-f0-9]{32}-us\d{1,2}\b",
    "a key of Zhipu": r"\b[a-f0-9]{32}\.[A-Za-z0-9]{16}\b",
    "a token of Airtable": r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b",
    "a key of Cloudflare": r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b",
    "a known vendor's token": (
        r"\b(rubygems_|oy2(?=[a-z0-9]{43}\b)|sntry[su]_|shp(at|ca|pa|ss)_|sq[apu]_|sbp_|sb_secret_|napi_|bkua_|pul-"
        r"|CCIPAT_|NRAK-|PMAK-|AKCp|cmVmdGtu|lsv2_(pt|sk)_|tvly-(dev-|prod-)?|rpa_|wandb_v1_|hv[bs]\.|figd_|lin_api_"
        r"|ntn_|tskey-[a-z]+-|gl(c|sa)_|jina_|pscale_[a-z]+_|ATATT3|ATBB|sk_(?=[a-f0-9]{48}\b))[A-Za-z0-9]{16,}"
    ),
}  # fmt: skip
"""What it is -> how its text looks, with enough of its length that a prefix alone is none."""

_LAST_WORDS = frozenset({
    "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "PASSCODE", "SECRET", "SECRETS", "CREDENTIAL", "CREDENTIALS",
    "CREDS", "APIKEY", "APIKEYS", "PAT",
})  # fmt: skip
"""A name that ends in one of these words holds a credential."""
_KINDS_OF_KEY = frozenset({
    "API", "ACCESS", "SECRET", "PRIVATE", "AUTH", "ACCOUNT", "SIGNING", "ENCRYPTION", "MASTER", "LICENSE", "SERVICE",
    "DEPLOY", "SSH", "WEBHOOK",
})  # fmt: skip
"""A name that ends in one of these words and KEY or KEYS does, too."""
_TOKENS_OF_TEXT = frozenset({
    "BOS", "EOS", "PAD", "UNK", "SEP", "CLS", "MASK", "STOP", "END", "START", "IMAGE", "AUDIO", "VIDEO", "SPECIAL",
    "EXTRA", "THINK", "MAX", "MIN", "NUM", "PER", "NEXT", "LAST",
})  # fmt: skip
"""Before TOKEN these make a language model's token, or a count of them."""

_HARMLESS = re.compile(r"(?i)|0|1|true|false|yes|no|on|off|none|null|auto|<[^<>]*>|/([\w.-]+/)*[\w.-]*")
"""Nothing, a switch, a placeholder such as `<pad>`, or the path of a file that holds the credential."""

_RUN = re.compile(r"[A-Za-z0-9]{20,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_PUBLIC = re.compile(
    r"sha(256|384|512)[-:][A-Za-z0-9+/=]+|\b(ssh-[a-z0-9]+|ecdsa-sha2-[\w-]+) AAAA[A-Za-z0-9+/=]+|\b_Z[A-Z]*\d\w+"
)
"""Digests, public keys of SSH (RFC 4253, 6.6), and the names of functions and kernels as C++ has them."""
_WORD = re.compile(r"[A-Z][a-z]{2,}|[a-z]{4,}|[A-Z]{4,}|[0-9]{4,}")
"""A word or a number in a name such as `Qwen3NextForCausalLM`; a random text has few that look like one."""
_LEAST_LEFT = 0.45
"""The share of a random text that is in no such word. Of random keys of 40 characters it finds 94 of 100; of the 64,000
longer texts in SGLang's sources it takes one for a key."""
_BITS = 3.5
"""A character, after Shannon: the bound of gitleaks' rule for generic keys."""


def credential(name: str, value: str) -> str | None:
    """Why a value looks like a credential, as the end of a sentence; None if it does not.

    >>> credential("HF_TOKEN", "x"), credential("GREETING", "ghp_" + "a1B2" * 9)
    ('its name ends in TOKEN', 'it has the form of a token of GitHub')
    >>> credential("HF_HOME", "/models"), credential("MAX_TOKENS", "4096"), credential("HF_TOKEN_PATH", "/run/token")
    (None, None, None)
    """
    text = _decoded(value)
    for kind, form in _FORMATS.items():
        if re.search(form, value) or re.search(form, text):
            return f"it has the form of {kind}"
    ending = _telling_end(name)
    if ending and not _HARMLESS.fullmatch(value):
        return f"its name ends in {ending}"
    if any(_is_random(run) for run in _runs(text or value)):
        return "it is as random as a key"
    return None


def _telling_end(name: str) -> str | None:
    """The words at the end of a name that say that it holds a credential."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = [word for word in re.split(r"[^A-Z]+", parted.upper()) if word]
    before, last = ["", "", *words][-2:]
    if last in ("KEY", "KEYS") and before in _KINDS_OF_KEY:
        return f"{before}_{last}"
    if last in _LAST_WORDS and not (last == "TOKEN" and before in _TOKENS_OF_TEXT):
        return last
    return "PWD" if last == "PWD" and before not in ("", "OLD") else None


def _decoded(value: str) -> str:
    """The text that a value is in base64, such as a file's; empty if it is none."""
    try:
        text = b64decode(value, validate=True).decode() if _BASE64.fullmatch(value) else ""
    except ValueError:
        return ""
    return text if text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable() else ""


def _runs(value: str) -> Iterator[str]:
    """The parts of a value that could be random: letters and digits without a break, or all of it as base64."""
    rest = _PUBLIC.sub("", value)
    if _BASE64.fullmatch(rest) and rest.count("/") <= len(rest) // 16:
        yield re.sub(r"[+/=]", "", rest)
    yield from _RUN.findall(rest)


def _is_random(run: str) -> bool:
    is_mixed = all(re.search(kind, run) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    shares = [run.count(letter) / len(run) for letter in set(run)]
    bits = -sum(share * log2(share) for share in shares)
    return is_mixed and bits >= _BITS and len(_WORD.sub("", run)) >= _LEAST_LEFT * len(run)
