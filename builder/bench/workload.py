"""Workloads: what a run asks of a server, and the token totals that this fixes before anything is measured."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from m2build.documents.arguments import typed_arguments
from m2build.documents.suggest import did_you_mean
from m2build.errors import UsageError

SEED = 1
"""The client's default, and the document's."""


@dataclass(frozen=True)
class Workload:
    """What a run asks of a server. What a source does not say is None: the printed table holds no lengths.

    Attributes:
        backend: the client's word for the protocol.
        dataset_name: where prompts come from.
        random_input_len: the longest prompt of the random dataset, in tokens; lengths are uniform from
            `random_range_ratio` of it.
        random_output_len: the most tokens to generate, likewise.
        random_range_ratio: the shortest length as a share of the longest.
        request_rate: requests a second; infinity sends all at once.
        max_concurrency: requests at a time; 0 for no limit.
        prompts: how many requests.
        input_tokens: in all prompts.
        output_tokens: to be generated in all.
    """

    backend: str | None = None
    dataset_name: str | None = None
    random_input_len: int | None = None
    random_output_len: int | None = None
    random_range_ratio: float | None = None
    request_rate: float | None = None
    max_concurrency: int | None = None
    prompts: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    def differences(self, other: Workload) -> tuple[str, ...]:
        """In what two workloads differ, as far as both are known: `prompts 10 and 80`."""
        pairs = ((field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return tuple(
            f"{name} {one} and {two}" for name, one, two in pairs if one is not None and two is not None and one != two
        )

    def completed_by(self, other: Workload) -> Workload:
        """This workload, and from another one what this one does not say."""
        return replace(other, **{key: value for key, value in vars(self).items() if value is not None})


@dataclass(frozen=True)
class Scenario:
    """One of the document's workloads (section 4): random, 1000 tokens in and out at most, all requests at once.

    Attributes:
        name: low, medium or high.
        max_concurrency: requests at a time.
        prompts: how many requests.
    """

    name: str
    max_concurrency: int
    prompts: int

    @property
    def workload(self) -> Workload:
        """The workload, with the token totals that come out on every machine."""
        tokens = token_totals(self.prompts, 1000, 1000)
        return Workload("sglang", "random", 1000, 1000, 0.0, math.inf, self.max_concurrency, self.prompts, *tokens)

    @property
    def warmup(self) -> int:
        """Requests before the measurement: two for each one at a time, as InferenceX does."""
        return 2 * self.max_concurrency


SCENARIOS: Mapping[str, Scenario] = {
    name: Scenario(name, concurrency, prompts)
    for name, concurrency, prompts in (("low", 1, 10), ("medium", 16, 80), ("high", 100, 500))
}


@typed_arguments
def scenarios(name: str, *, prompts: int | None = None) -> tuple[Scenario, ...]:
    """The scenarios of a name, or `all`; with another number of prompts for a trial.

    >>> [scenario.workload.input_tokens for scenario in scenarios("all")]
    [6101, 39668, 249831]

    Raises:
        UsageError: there is none of that name.
    """
    if name != "all" and name not in SCENARIOS:
        known = [*SCENARIOS, "all"]
        raise UsageError(f"there is no scenario {did_you_mean(name, known)}", hint=f"choose one of {', '.join(known)}")
    chosen = SCENARIOS.values() if name == "all" else (SCENARIOS[name],)
    return tuple(replace(scenario, prompts=prompts or scenario.prompts) for scenario in chosen)


def token_totals(prompts: int, longest_input: int, longest_output: int) -> tuple[int, int]:
    """The tokens in all prompts and in all answers of the client's random dataset with range ratio 0 and its seed.

    Not measurements: NumPy's legacy generator draws the lengths of all prompts, then those of all answers, and its
    stream is frozen (NEP 19). Later clients take the special tokens of a prompt off; MiniMax-M2's tokenizer adds none.

    >>> token_totals(10, 1000, 1000), token_totals(80, 1000, 1000), token_totals(500, 1000, 1000)
    ((6101, 4220), (39668, 40805), (249831, 252662))
    """
    words = _numpy_words(SEED)
    return _sum_of_lengths(words, prompts, longest_input), _sum_of_lengths(words, prompts, longest_output)


def _sum_of_lengths(words: Iterator[int], count: int, longest: int) -> int:
    """`numpy.random.randint(1, longest + 1, count).sum()`: the low bits of a word, drawn again while too large."""
    mask = (1 << (longest - 1).bit_length()) - 1
    fitting = (low for word in words if (low := word & mask) < longest)
    return sum(next(fitting) + 1 for _ in range(count))


def _numpy_words(seed: int) -> Iterator[int]:
    """The 32-bit words of `numpy.random.seed(seed)`: Python's generator (MT19937) with Knuth's initialisation."""
    state = [seed]
    for index in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + index) & 0xFFFFFFFF)
    generator = random.Random()  # noqa: S311 - it has to be NumPy's, and guards nothing
    generator.setstate((3, (*state, 624), None))
    while True:
        yield generator.getrandbits(32)
