# SPDX-License-Identifier: Apache-2.0
using FlashRNN, Test
using FlashRNN: Event, Stream, cells, describe, devices, elapsed, record, synchronize

# FLASHRNN_VECTORS names the folder of the test vectors; without it their replay is reported as broken, not as passed.
const VECTORS = get(ENV, "FLASHRNN_VECTORS", "")

@testset "FlashRNN" begin
    for file in ("declarations", "dtypes", "vectors", "layouts", "errors", "gradients", "lifetimes", "examples")
        @testset "$file" begin
            seconds = @elapsed include("$file.jl")
            println("$file: $(round(seconds; digits = 1)) s")
        end
    end
end
