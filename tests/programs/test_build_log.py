"""A failed build is reported as step, output and reason. The logs are recorded, and shortened."""

from __future__ import annotations

import pytest

from m2build.programs.build_log import BuildLog, explain
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
def test_a_failed_step_is_named_with_its_output(engine: str) -> None:
    failure = explain(RUNNING[engine].splitlines())
    assert failure.step.startswith({"buildkit": "[3/3] RUN set -eu; umask", "buildah": "3/9: RUN set -eu; um"}[engine])
    assert failure.output == (
        "sglang/srt/models/deepseek_ocr.py: OK",
        "sglang/srt/models/kimi_linear.py: FAILED",
        "sha256sum: WARNING: 1 computed checksum did NOT match",
    )
    assert failure.reason == "exit code 1"


def test_a_failed_pull_of_the_base_is_reported_with_the_engines_message() -> None:
    failure = explain(UNREACHABLE.splitlines())
    assert failure.step == "[internal] load metadata for 127.0.0.1:9/a/b:c"
    assert failure.reason.endswith("connect: refused")
    assert failure.output == ()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", "it printed no reason"),
        ("ERROR: no builder fleet found\n", "no builder fleet found"),
        ("Cannot connect to the Docker daemon\n\n", "Cannot connect to the Docker daemon"),
        ("#1 [internal] load build definition\nKilled\n", "Killed"),
    ],
)
def test_a_log_without_steps_gives_its_last_line(log: str, reason: str) -> None:
    failure = explain(log.splitlines())
    assert (failure.step, failure.output, failure.reason) == ("", (), reason)


def test_a_step_of_thousands_of_characters_and_lines_is_shortened() -> None:
    lines = [f"#3 [2/2] RUN {'x' * 5000}", *(f"#3 0.{number} line {number}" for number in range(500))]
    failure = explain([*lines, "#3 ERROR: process did not complete successfully: exit code: 2"])
    assert len(failure.step) == 72
    assert failure.output[-1] == "line 499"
    assert len(failure.output) == 20


class Recorder(Silent):
    """Keeps the reported lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def output(self, line: str) -> None:
        self.lines.append(line)


def test_output_is_reported_and_explained_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")
    progress = Recorder()
    log = BuildLog(progress)
    for line in ("STEP 1/1: RUN login\n", "token hf_abcdefgh\r\n", "Error: exit status 3\n"):
        log.add(line)
    assert progress.lines == ["STEP 1/1: RUN login", "token ***", "Error: exit status 3"]
    error = log.failure("podman")
    assert str(error) == "podman: the build stopped at 1/1: RUN login: exit code 3\n    token ***"
    assert error.exit_code == 9


def test_an_older_store_gets_a_hint() -> None:
    log = BuildLog(Silent())
    log.add("ERROR: failed to build: OCI exporter is not supported for the docker driver.")
    assert "containerd's store" in str(log.failure("docker").hint)


def test_altered_sources_get_a_hint_at_patch_status() -> None:
    log = BuildLog(Silent())
    for line in BUILDKIT.splitlines():
        log.add(line)
    assert "m2build patch status --source" in str(log.failure("docker").hint)
