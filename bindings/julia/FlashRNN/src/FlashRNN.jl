# SPDX-License-Identifier: Apache-2.0
"""
Fused multi-head recurrent networks: LSTM, GRU, Elman, sLSTM and Light GRU, forward and backward, the whole sequence in
one call. Over the C ABI of FlashRNN.

[`flashrnn`](@ref) is a plain function with a gradient for ChainRules; [`Plan`](@ref), [`forward!`](@ref),
[`backward!`](@ref) and [`step!`](@ref) run on arrays of yours and allocate none.

# Axes

`D` head dimension, `N` heads, `G` gates, `T` time, `B` batch, `S` states. Julia's arrays are column-major and so are the
axes here, features first and batch last, the reverse of flashrnn.h; what C calls packed is an `Array`.

| array | size |
|:--|:--|
| `wx` | `(D, N, G, T, B)`: the input projections, one slice a gate |
| `r` | `(D, D, N, G)`: `r[:, :, n, g] * h[:, n, t - 1, b]` is what gate `g` of head `n` gets |
| `bias` | `(D, N, G)` |
| `h` | `(D, N, T, B)` |
| `states` | `(D, N, T, B, S)`; state 1 is h |
| `initial_states`, `last_states` | `(D, N, B, S)` |
| `lengths` | `(B,)` |
| `resets` | `(B, T)` |

Any strided array goes in without a copy: views, `PermutedDimsArray`s, reshaped arrays. [`cell_info`](@ref) names a cell's
gates and states in the order of their axes.
"""
module FlashRNN

using Libdl: dlopen, dlsym

# The rest (describe, devices, Stream, ...) has names that others have too, and is reached as FlashRNN.describe.
export Device, DeviceArray, FlashRNNError, Plan, Saved, Tensor, Workspace
export backward!, cell_info, flashrnn, forward!, step!

include("library.jl")
include("declarations.jl")
include("errors.jl")
include("dtypes.jl")
include("cells.jl")
include("devices.jl")
include("tensors.jl")
include("plans.jl")
include("runs.jl")
include("functional.jl")

end
