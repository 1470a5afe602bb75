"""SGLang's own benchmark client, and where it runs: with a local Python, in a running container, or in an image's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from m2build.documents.arguments import typed_arguments
from m2build.errors import EngineError, TransportError
from m2build.labels import OWN
from m2build.programs.container_names import container_name
from m2build.programs.program import Program
from m2build.programs.redaction import redacted
from m2build.progress import Progress

_KEYS = ("OPENAI_API_KEY", "API_KEY", "HF_TOKEN", "HF_HUB_OFFLINE")
"""The variables that a container's client gets from this process: by name, so that no value is in a command line. The
client sends the first two as the server's API key."""
_PROBE = (
    "import json, os, sglang, sys, tempfile; new = os.path.join(os.path.dirname(sglang.__file__), 'benchmark', "
    "'serving.py'); print(); print(json.dumps([sglang.__version__, os.path.exists(new), sys.version.split()[0], "
    "tempfile.mkdtemp(prefix='m2build-bench-')]))"
)
"""Also makes a folder for results, there where the client runs."""
_TAKE = "import sys; sys.stdout.write(open(sys.argv[1]).read())"
_CLOSE = """
import os, shutil, sys
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{number}/cmdline", errors="replace") as file:
            if os.path.join(sys.argv[1], "result.jsonl") in file.read().split("\\0"):
                os.kill(int(number), 15)
    except OSError:
        pass
shutil.rmtree(sys.argv[1])
"""
"""Ends a client that still writes into the folder: an engine does not end what it has executed in a container."""
_UNREACHED = ("Warmup failed", "Failed to fetch model from", "ConnectionError", "No model specified or found")
"""What the client says if the server does not answer as it should."""
_MOST_OUTPUT = 12
"""Lines in an error, the last ones."""


@dataclass(frozen=True)
class Client:
    """Where the client runs.

    Attributes:
        program: what is started.
        words: its arguments before Python's own.
        where: for people and for the sidecar.
        image: the image's names, digests and labels, if the client runs in a container of it.
    """

    program: Program
    words: tuple[str, ...] = ()
    where: str = "local"
    image: Mapping[str, object] = field(default_factory=dict)

    def opened(self) -> Opened:
        """The client's release and a folder for its results.

        Raises:
            EngineError: Python, SGLang or the container is missing.
        """
        with _explained("give a Python that has sglang (--python), or the server's --container or --image"):
            said = self.program.ask(*self.words, "-c", _PROBE)
            try:
                release, is_new, python, folder = map(str, json.loads(said.splitlines()[-1]))
            except (ValueError, IndexError, TypeError, RecursionError) as error:
                raise EngineError(f"`{self.program.name}` does not run programs as Python does") from error
        return Opened(
            self, release, python, "sglang.benchmark.serving" if is_new == "True" else "sglang.bench_serving", folder
        )


@dataclass(frozen=True)
class Opened:
    """A client that was found.

    Attributes:
        client: where it runs.
        release: of SGLang.
        python: of the Python.
        module: what `python -m` runs: it moved in 0.5.16.
        folder: where it keeps results until they are taken.
    """

    client: Client
    release: str
    python: str
    module: str
    folder: str

    def measure(self, arguments: Sequence[str], progress: Progress) -> str:
        """Run it once; the JSON line that it has written.

        Raises:
            TransportError: the server does not answer.
            EngineError: the client fails otherwise.
        """
        path = str(PurePosixPath(self.folder) / "result.jsonl")
        words = (*self.client.words, "-m", self.module, *arguments, "--output-file", path)
        said: list[str] = []
        try:
            for line in self.client.program.lines(*words):
                said.append(redacted(line, os.environ))
                progress.output(said[-1])
        except EngineError as error:
            raise _failure(self.module, said) from error
        text = self.client.program.ask(*self.client.words, "-c", _TAKE, path)
        return text.rstrip("\n").rpartition("\n")[2]  # it appends: the last line is this run's

    def close(self) -> None:
        """Remove the folder; a client that was interrupted is ended."""
        with suppress(EngineError):
            self.client.program.ask(*self.client.words, "-c", _CLOSE, self.folder)


def _failure(module: str, said: list[str]) -> EngineError | TransportError:
    lines = [line for line in said if line.strip()]
    reason = lines[-1] if lines else "it printed no reason"
    if any(word in line for line in lines for word in _UNREACHED):
        return TransportError(
            f"the server did not answer {module} as it should: {reason}",
            details=lines[-_MOST_OUTPUT:-1],
            hint="check --base-url and the server's log; with --api-key, the client takes the key from OPENAI_API_KEY",
        )
    hint = "run it again with --progress plain, and read what it prints"
    return EngineError(f"{module} failed: {reason}", details=lines[-_MOST_OUTPUT:-1], hint=hint)


@contextmanager
def _explained(hint: str) -> Iterator[None]:
    """The next step for errors of programs."""
    try:
        yield
    except EngineError as error:
        raise EngineError(error.message, hint=hint) from error


@typed_arguments
def local(python: str = "python3") -> Client:
    """The client with a Python of this machine that has SGLang, in the current folder and environment."""
    return Client(Program(python))


@typed_arguments
def in_container(engine: str, name: str) -> Client:
    """The client in a running container, as in the server's own.

    Raises:
        EngineError: the engine fails, or has no such container.
    """
    program = Program(engine)
    with _explained(f"`{engine} ps` lists the running containers"):
        image = program.ask("container", "inspect", "--format", "{{.Image}}", name).strip()
        return Client(program, _exec(name), f"container {name}", image_facts(program, image))


@contextmanager
@typed_arguments
def in_image(engine: str, image: str) -> Iterator[Client]:
    """The client in a new container of an image, in this machine's network; it is removed at the end.

    Raises:
        EngineError: the engine fails, or has no such image.
    """
    program = Program(engine)
    with _explained(f"`{engine} pull` fetches an image, which the client is not to do unasked"):
        facts = image_facts(program, image)
    with container_name(program) as name:
        program.ask(
            *("run", "--detach", "--name", name, "--network", "host", "--entrypoint", "sleep", image, "infinity")
        )
        try:
            yield Client(program, _exec(name), f"image {image}", facts)
        finally:
            program.ask("kill", name)


def _exec(name: str) -> tuple[str, ...]:
    return ("exec", *(word for key in _KEYS for word in ("--env", key)), name, "python3")


def image_facts(program: Program, image: str) -> Mapping[str, object]:
    """What an engine knows of an image: its id, names and digests, and what m2build's labels say.

    Raises:
        EngineError: the engine fails, or has no such image.
    """
    try:
        (found,) = json.loads(program.ask("image", "inspect", image))
        labels = (found.get("Config") or {}).get("Labels") or {}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError(f"{program.name} does not describe the image {image} as JSON") from error
    return {
        "id": found.get("Id"),
        "names": found.get("RepoTags") or [],
        "digests": found.get("RepoDigests") or [],
        **{key: labels.get(f"{OWN}{key}") for key in ("recipe", "profile", "model")},
    }
