# SPDX-License-Identifier: Apache-2.0
"""One call of the library for one layout of the tensors: all but the addresses is worked out once.

What happens each time is here in Python; where the package was built with a compiler, _compiled.c does the same in
half the time.
"""
from __future__ import annotations

import ctypes
from array import array
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .._library import check
from ..plan import FrontCache, Plan
from ._helper import helper
from ._plans import aligned, stream_of, workspace_of

Maker = Callable[[], Tensor]


class Call:
    """Called with the inputs, whose layout it was made for; gives the tensors that it makes."""

    def __init__(self, plan: Plan, function: Any, packed: bytes, words: Dict[str, int], device: torch.device,
                 inputs: Sequence[Tuple[str, Optional[Tensor]]], made: Sequence[Tuple[str, Optional[Maker]]],
                 workspace_size: int):
        """`packed` is the args struct but for addresses, `words` are the places of its fields. An input that is absent
        and a tensor that is not made are None; saved memory comes last of its kind."""
        self.plan, self.function, self.words = plan, function, array("Q", packed)
        self.inputs = [0 if tensor is None else words[name] for name, tensor in inputs]  # 0 is no tensor's place
        self.present = [(place, word) for place, word in enumerate(self.inputs) if word]
        self.makers = [(words[name], make) for name, make in made]
        self.workspace, self.workspace_word = workspace_of(plan, workspace_size, device), words["workspace"]
        self.stream: Optional[Callable[[], int]] = None
        if plan.device.backend != "cpu":
            self.stream = lambda: stream_of(plan, device) or 0
        self.stream_word, self.alignment = words["stream"], plan.alignment
        self.saved_word, self.makes_saved = words.get("saved", 0), made[-1][0] == "saved"

    def __call__(self, *inputs: Optional[Tensor]) -> Any:
        words, made = self.words[:], []
        for place, word in self.present:
            words[word] = inputs[place].data_ptr()  # type: ignore[union-attr]
        for word, make in self.makers:
            tensor = None
            if make is not None:
                tensor = make()
                words[word] = tensor.data_ptr()
            made.append(tensor)
        words[self.workspace_word], owner = self.workspace()
        if self.stream is not None:
            words[self.stream_word] = self.stream()
        if words[self.saved_word] % self.alignment and self.saved_word:
            self.run_aligned(words, made[-1] if self.makes_saved else inputs[-1])
        else:
            status = self.function(self.plan.handle, words.buffer_info()[0])
            if status:
                check(status)
        return tuple(made)

    def run_aligned(self, words: "array[int]", saved: Any) -> None:
        """With an aligned copy of the saved memory."""
        memory = aligned(saved, self.alignment)
        words[self.saved_word] = memory.data_ptr()
        check(self.function(self.plan.handle, words.buffer_info()[0]))
        if self.makes_saved:
            saved.copy_(memory)

    def compiled(self) -> Any:
        """The same for the compiled helper."""
        assert helper is not None
        return helper.call(
            self, self.plan, ctypes.cast(self.function, ctypes.c_void_p).value, self.words.tobytes(),
            array("i", self.inputs).tobytes(), array("i", [word for word, _ in self.makers]).tobytes(),
            tuple(make for _, make in self.makers), self.workspace, self.stream,
            (self.workspace_word, self.stream_word, self.saved_word), self.alignment)


def _layout_of(tensor: Optional[Tensor]) -> Optional[Tuple[Any, ...]]:
    return None if tensor is None else (
        tensor.shape, tensor.is_contiguous() or tensor.stride(), tensor.dtype, tensor.device, tensor.is_neg())


def _layout(*tensors: Optional[Tensor]) -> Any:
    return tuple(map(_layout_of, tensors))


def keep(calls: FrontCache, key: Any, call: Call, tensors: Sequence[Optional[Tensor]]) -> None:
    """Has run_known find the call by this key and by how these tensors lie: by all that it depends on but addresses."""
    if helper is None:
        calls.keep((key, _layout(*tensors)), call)
    else:
        found = helper.layout(*tensors)
        if found is not None:
            calls.keep((key, found), call.compiled())


def _run_known(calls: FrontCache, key: Any, *tensors: Optional[Tensor]) -> Any:
    """The tuple that the call makes that is kept for the key and the tensors' layout, None where there is none."""
    call = calls.get((key, _layout(*tensors)))
    return None if call is None else call(*tensors)


run_known = _run_known if helper is None else helper.run_known
