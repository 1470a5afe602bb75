"""Other programs' output is repeated without its secrets, and otherwise unchanged."""

from __future__ import annotations

import pytest

from m2build.programs.redaction import redacted

SECRET = "s3cr3t-0815"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://alice:{SECRET}@example.org/v2/", "https://***@example.org/v2/"),
        (f"proxy http://{SECRET}@127.0.0.1:3128 refused", "proxy http://***@127.0.0.1:3128 refused"),
        (f"Authorization: Bearer {SECRET}abc.def", "Authorization: Bearer ***"),
        (f"authorization: basic {SECRET}==", "authorization: basic ***"),
        (f"docker buildx build --build-arg TOKEN={SECRET} .", "docker buildx build --build-arg TOKEN=*** ."),
        (f"--build-arg=TOKEN={SECRET}", "--build-arg=TOKEN=***"),
        (f"--build-arg TOKEN='{SECRET} x' .", "--build-arg TOKEN=*** ."),
        (f'--secret id="{SECRET}"', "--secret id=***"),
        (f"build-arg:TOKEN={SECRET}", "build-arg:TOKEN=***"),
        (f"Step 3/4 : RUN |2 A={SECRET} B=x y /bin/sh -c make", "Step 3/4 : RUN |2 A=*** B=*** /bin/sh -c make"),
        (f"it said {SECRET}!", "it said ***!"),
    ],
)
def test_secrets_are_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    found = redacted(text, {"REGISTRY_PASSWORD": SECRET if "said" in text else "unset"})
    assert found == shown
    assert SECRET not in found


@pytest.mark.parametrize(
    "text",
    [
        "FROM localhost:5000/sglang:v0.5.7@sha256:50ab22fe449a46bcb360eb22b5b3fb6596351e7180b988a0a508b331e6eb44d2",
        'LABEL "org.opencontainers.image.title"="MiniMax-M2.1, tp8"',
        "a basic set of bearer tokens",
        "python3 -m sglang.launch_server --host 0.0.0.0 --port 8000",
        "mail to someone@example.org",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    environment = {"HOME": "sglang", "KEYBOARD": "python3", "API_TOKEN": "0.0.0", "PASSWORD": ""}
    assert redacted(text, environment) == text
