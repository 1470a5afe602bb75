"""What is known of models, GPUs and configurations that break: `facts.yaml`, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import Field

from m2build.documents.document import load_document
from m2build.documents.suggest import did_you_mean
from m2build.documents.validation import validate
from m2build.errors import UsageError
from m2build.recipes.values import Frozen


class Shape(Frozen):
    """The dimensions of a model that decide how it can be divided, and what it takes.

    Attributes:
        layers: layers of the decoder.
        hidden: the width between layers.
        heads: query heads of a layer.
        kv_heads: key and value heads of a layer.
        head_dim: the width of one head.
        vocabulary: tokens of the vocabulary.
        context: tokens of the longest context.
        experts: routed experts of a layer; 0 for a model without any.
        experts_per_token: how many of them a token goes through.
        expert_width: the inner width of one expert.
        shared_width: the inner width of what each token goes through beside them.
        dense_layers: leading layers with an ordinary MLP instead of experts.
        dense_width: the inner width of that MLP.
        index_layers: layers of sparse attention, which keep an index key a token.
        index_dim: the width of that key.
        fp8_block: the side of the blocks that share a scale, if the weights are FP8; None for bfloat16.
        norms_all_heads: whether queries and keys are normalised over all heads together.
        ties_embeddings: whether the output head is the embedding.
    """

    layers: int = Field(ge=1)
    hidden: int = Field(ge=1)
    heads: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1)
    vocabulary: int = Field(ge=1)
    context: int = Field(ge=1)
    experts: int = Field(default=0, ge=0)
    experts_per_token: int = Field(default=0, ge=0)
    expert_width: int = Field(default=0, ge=0)
    shared_width: int = Field(default=0, ge=0)
    dense_layers: int = Field(default=0, ge=0)
    dense_width: int = Field(default=0, ge=0)
    index_layers: int = Field(default=0, ge=0)
    index_dim: int = Field(default=0, ge=0)
    fp8_block: int | None = Field(default=None, ge=1)
    norms_all_heads: bool = False
    ties_embeddings: bool = False


class Models(Frozen):
    """Models of one shape, by their repositories on Hugging Face, and where the shape was read."""

    repos: tuple[str, ...]
    source: str
    shape: Shape


class Gpu(Frozen):
    """A GPU: its memory in GiB, its architecture, and how tags of SGLang's images name it."""

    name: str
    memory: int
    architecture: str
    tag: str


class Rule(Frozen):
    """A configuration that is known to break, and what has to hold for that; see `facts.yaml`."""

    id: str
    models: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    tp: int = 1
    below_tp: int | None = None
    releases: str | None = None
    rocm: str | None = None
    variables: dict[str, str] = Field(default={})
    without: tuple[str, ...] = ()
    message: str
    hint: str
    source: str


class Facts(Frozen):
    """All that is known."""

    models: tuple[Models, ...]
    gpus: tuple[Gpu, ...]
    gpus_source: str
    rules: tuple[Rule, ...]

    @property
    def repos(self) -> list[str]:
        """The repositories of all models."""
        return [repo for entry in self.models for repo in entry.repos]


@cache
def facts() -> Facts:
    """The facts that come with m2build."""
    name = "facts.yaml"
    return validate(load_document((files("m2build.launch") / name).read_bytes(), name=name), Facts)


def known_shape(repo: str) -> Shape | None:
    """The shape of a model by its repository on Hugging Face; None if it is not known."""
    return next((entry.shape for entry in facts().models if repo in entry.repos), None)


def shape_of(model: str) -> Shape:
    """The shape of a known model, by its repository or the last part of it, in any case.

    >>> shape_of("minimax-m2.1").experts
    256

    Raises:
        UsageError: no such model is known.
    """
    for repo in facts().repos:
        if model.lower() in (repo.lower(), repo.lower().rpartition("/")[2]):
            return next(entry.shape for entry in facts().models if repo in entry.repos)
    names = [repo.rpartition("/")[2].lower() for repo in facts().repos]
    raise UsageError(
        f"no dimensions are known of the model {did_you_mean(model, names)}",
        hint=f"known: {', '.join(names)}; for another give its config.json",
    )


def gpu_of(name: str) -> Gpu:
    """A known GPU by its name, in any case.

    Raises:
        UsageError: no such GPU is known.
    """
    known = {gpu.name.lower(): gpu for gpu in facts().gpus}
    if name.lower() not in known:
        names = [gpu.name for gpu in facts().gpus]
        raise UsageError(f"the GPU {did_you_mean(name, names)} is not known", hint=f"known: {', '.join(names)}")
    return known[name.lower()]


def gpus_of(architecture: str | None) -> tuple[Gpu, ...]:
    """The GPUs of an architecture, or all if it is None or unknown, from the least memory to the most."""
    of_it = [gpu for gpu in facts().gpus if gpu.architecture == architecture]
    return tuple(sorted(of_it or facts().gpus, key=lambda gpu: gpu.memory))
