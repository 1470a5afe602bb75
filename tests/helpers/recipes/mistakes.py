"""Recipes with one mistake each that a schema can name."""

from __future__ import annotations

from helpers.recipes.recipe_texts import SHIPPED, spoiled

# mistake -> the file's text, a part of the line that is at fault, and what the message says of it.
STRUCTURE = {
    "unknown key": (spoiled("summary:", "sumary:"), "sumary:", "unknown key 'sumary'; did you mean 'summary'?"),
    "unknown key of the base": (spoiled("source_root:", "source-root:"), "source-root:", "did you mean 'source_root'?"),
    "unknown key of a profile": (spoiled("gpus:", "gpu:"), "gpu:", "unknown key 'gpu'; did you mean 'gpus'?"),
    "unknown key of a model": (spoiled("repo:", "repository:"), "repository:", "did you mean 'repo'?"),
    "unknown key of the health check": (spoiled("retries:", "retry:"), "retry:", "did you mean 'retries'?"),
    "unknown key, nothing near": (spoiled("name:", "zzz: 1\nname:"), "zzz:", "unknown key 'zzz'"),
    "missing key": (spoiled("    gpus: 4\n", ""), "  tp4:", "the key 'gpus' is missing"),
    "number for a text": (spoiled("name: minimax-m2", "name: 5"), "name:", "name: Input should be a valid string"),
    "text for a number": (spoiled("timeout: 30", "timeout: '30'"), "timeout:", "should be a valid integer"),
    "fraction for a count": (spoiled("gpus: 4", "gpus: 4.0"), "gpus: 4.0", "should be a valid integer"),
    "switch that is off": (spoiled("code: true", "code: false"), "code: false", "a flag cannot be false"),
    "flag without a value": (spoiled("code: true", "code:"), "trust-remote-code:", "trust-remote-code: Input should"),
    "flag with its dashes": (spoiled("tp-size:", "--tp-size:"), "--tp-size:", "flags.--tp-size: String should match"),
    "flag with a mapping": (spoiled("tp-size: 4", "tp-size: {a: 1}"), "tp-size:", "should be true, a text, a number"),
    "flag with an empty list": (spoiled("tp-size: 4", "tp-size: []"), "tp-size:", "should have at least 1 item"),
    "flag with a list of lists": (spoiled("tp-size: 4", "tp-size: [[1]]"), "tp-size:", "tp-size.0: Input should be"),
    "port out of range": (spoiled("port: 8000", "port: 80000"), "port: 80000", "not a number from 1 to 65535"),
    "port as a text": (spoiled("port: 8000", "port: '80'"), "port: '80'", "the port '80' is not a number"),
    "model twice": (spoiled("tp-size: 4", "model-path: a/b"), "model-path: a/b", "set by models and --model"),
    "no models": (SHIPPED.partition("models:")[0] + "models: {}\nprofiles: {}\n", "models:", "at least 1 item"),
    "default model unknown": (
        spoiled("default_model: minimax-m2.1", "default_model: minimax-m2.2"),
        "default_model:",
        "there is no model 'minimax-m2.2'; did you mean 'minimax-m2.1'?",
    ),
    "health check too short": (spoiled("timeout: 30", "timeout: 5"), "timeout:", "greater than or equal to 22"),
    "health path is no path": (spoiled("path: /health", "path: /a'b"), "path: /a'b", "health.path: String should"),
    "relative source root": (spoiled("root: /sgl", "root: sgl"), "source_root:", "base.source_root: String should"),
    "source root with dots": (spoiled("root: /sgl", "root: /../sgl"), "source_root:", "not a normalised absolute path"),
    "control character": (spoiled("title: MiniMax-M2.1", 'title: "a\\eb"'), 'title: "a', "String should match"),
    "number for a switch in a list": (spoiled("tp-size: 4", "tp-size: [true]"), "tp-size:", "a text or a number"),
    "interval beyond int64": (spoiled("interval: 30", "interval: 9223372037"), "interval:", "equal to 9223372036"),
    "switch for a number": (spoiled("gpus: 4", "gpus: true"), "gpus: true", "should be a valid integer"),
    "short for the model": (spoiled("tp-size: 4", "model: a/b"), "model: a/b", "set by models and --model"),
    "short for the port": (spoiled("port: 8000", "po: 8000"), "po: 8000", "argparse reads --po as --port"),
    "port in the command": (spoiled("[python3,", "[python3, --port=1,"), "command:", "'--port=1' sets --port"),
    "option in a list": (spoiled("tp-size: 4", "tp-size: [1, -x]"), "tp-size:", "'-x' begins with a dash"),
    "two lines for one": (spoiled("title: MiniMax-M2.1", 'title: "a\\nb"'), 'title: "a', "String should match"),
}  # fmt: skip
