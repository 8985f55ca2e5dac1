# SPDX-License-Identifier: Apache-2.0
import torch

import pyflashrnn

CELLS = [cell.name for cell in pyflashrnn.cells()]


def inputs(cell, batch=2, time=4, heads=2, head_dim=3, dtype=torch.float64):
    """wx, r, bias and initial states that require gradients."""
    kind = pyflashrnn.cell(cell)
    shapes = ((batch, time, len(kind.input_gates), heads, head_dim),
              (len(kind.recurrent_gates), heads, head_dim, head_dim), (len(kind.bias_gates), heads, head_dim),
              (len(kind.states), batch, heads, head_dim))
    made = [torch.randn(shape, dtype=torch.float64) * 0.6 for shape in shapes]
    if cell == "slstm":
        made[3][2] = made[3][2].abs() + 1.5  # a normaliser is 0 or at least 1
    return [tensor.to(dtype).requires_grad_() for tensor in made]
