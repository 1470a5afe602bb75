"""Decorators before and after they are commented out, and a module with them at several depths."""

from __future__ import annotations

from typing import Literal

from helpers.patches.trees import cases_in

Style = Literal["comment", "delete"]

CHANGES = [(name, *body.split("--- becomes\n")) for name, _, body in cases_in("decorator_changes.txt")]

NESTED = """\
import torch

@torch.compile
def f():
    @torch.compile
    def inner(): ...

class Norm:
    @torch.compile
    def forward(self): ...

    @torch.compile
    def forward_qk(self): ...

    class Inner:
        @torch.compile
        def forward(self): ...

if f:
    class Late:
        try:
            @torch.compile
            async def forward(self): ...
        finally:
            match f:
                case _:
                    @torch.compile
                    class K: ...
"""
