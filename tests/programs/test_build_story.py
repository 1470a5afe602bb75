"""A failed build is told as its step, that step's output and the reason. The logs were recorded, and shortened."""

from __future__ import annotations

import pytest

from m2build.programs.story import Story, explain
from m2build.progress import Silent

BUILDKIT = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 4.58kB done
#1 DONE 0.0s

#6 [2/3] COPY --chown=0:0 account/ /opt/m2build/
#6 DONE 0.0s

#7 [3/3] RUN set -eu; umask 022;     chmod -R a-st,u=rw,go=r,a+X /opt/m2build;     cd /sgl-workspace/sglang/python
#7 0.133 sglang/srt/models/deepseek_ocr.py: OK
#7 0.133 sglang/srt/models/kimi_linear.py: FAILED
#7 0.134 sha256sum: WARNING: 1 computed checksum did NOT match
#7 ERROR: process "/bin/sh -c set -eu; umask 022;     true" did not complete successfully: exit code: 1
------
 > [3/3] RUN set -eu; umask 022:
0.133 sglang/srt/models/kimi_linear.py: FAILED
------
ERROR: failed to build: failed to solve: process "/bin/sh -c set -eu" did not complete successfully: exit code: 1
"""
UNREACHABLE = """\
#2 [internal] load metadata for 127.0.0.1:9/a/b:c
#2 ERROR: failed to do request: Head "https://127.0.0.1:9/v2/a/b/manifests/c": dial tcp 127.0.0.1:9: connect: refused
------
 > [internal] load metadata for 127.0.0.1:9/a/b:c:
------
ERROR: failed to build: failed to solve: 127.0.0.1:9/a/b:c: failed to resolve source metadata for 127.0.0.1:9/a/b:c
"""
BUILDAH = """\
STEP 1/9: FROM 127.0.0.1:5055/base/sglang:tampered
Trying to pull 127.0.0.1:5055/base/sglang:tampered...
STEP 2/9: COPY --chown=0:0 account/ /opt/m2build/
--> 7e064eba98f
STEP 3/9: RUN set -eu; umask 022
sglang/srt/models/deepseek_ocr.py: OK
sglang/srt/models/kimi_linear.py: FAILED
sha256sum: WARNING: 1 computed checksum did NOT match
Error: building at STEP "RUN set -eu; umask 022": while running runtime: exit status 1
"""
RUNNING = {"buildkit": BUILDKIT, "buildah": BUILDAH}


@pytest.mark.parametrize("engine", RUNNING)
def test_the_step_that_ran_is_named_with_what_it_printed(engine: str) -> None:
    failure = explain(RUNNING[engine].splitlines())
    assert failure.step.startswith({"buildkit": "[3/3] RUN set -eu; umask", "buildah": "3/9: RUN set -eu; um"}[engine])
    assert failure.output == (
        "sglang/srt/models/deepseek_ocr.py: OK",
        "sglang/srt/models/kimi_linear.py: FAILED",
        "sha256sum: WARNING: 1 computed checksum did NOT match",
    )
    assert failure.reason == "exit code 1"


def test_a_base_that_cannot_be_pulled_is_told_in_the_engines_words() -> None:
    failure = explain(UNREACHABLE.splitlines())
    assert failure.step == "[internal] load metadata for 127.0.0.1:9/a/b:c"
    assert failure.reason.endswith("connect: refused")
    assert failure.output == ()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", "it said nothing"),
        ("ERROR: no builder fleet found\n", "no builder fleet found"),
        ("Cannot connect to the Docker daemon\n\n", "Cannot connect to the Docker daemon"),
        ("#1 [internal] load build definition\nKilled\n", "Killed"),
    ],
)
def test_a_log_without_steps_ends_in_its_last_word(log: str, reason: str) -> None:
    failure = explain(log.splitlines())
    assert (failure.step, failure.output, failure.reason) == ("", (), reason)


def test_a_step_of_thousands_of_characters_and_lines_is_shortened() -> None:
    lines = [f"#3 [2/2] RUN {'x' * 5000}", *(f"#3 0.{number} line {number}" for number in range(500))]
    failure = explain([*lines, "#3 ERROR: process did not complete successfully: exit code: 2"])
    assert len(failure.step) == 72
    assert failure.output[-1] == "line 499"
    assert len(failure.output) == 20


class Heard(Silent):
    """Remembers what was passed on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def output(self, line: str) -> None:
        self.lines.append(line)


def test_what_is_heard_is_passed_on_and_explained_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    progress = Heard()
    story = Story(progress)
    for line in ("STEP 1/1: RUN login\n", "token hf_abcdefgh\r\n", "Error: exit status 3\n"):
        story.hear(line)
    assert progress.lines == ["STEP 1/1: RUN login", "token ***", "Error: exit status 3"]
    error = story.failure("podman")
    assert str(error) == "podman: the build stopped at 1/1: RUN login: exit code 3\n    token ***"
    assert error.exit_code == 9


def test_an_older_store_is_told_with_what_it_lacks() -> None:
    story = Story(Silent())
    story.hear("ERROR: failed to build: OCI exporter is not supported for the docker driver.")
    assert "containerd's store" in str(story.failure("docker").hint)


def test_altered_sources_are_told_with_the_command_that_looks_at_them() -> None:
    story = Story(Silent())
    for line in BUILDKIT.splitlines():
        story.hear(line)
    assert "m2build patch status --source" in str(story.failure("docker").hint)
