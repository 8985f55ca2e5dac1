# SPDX-License-Identifier: Apache-2.0
# The examples run, each in a module of its own.
for file in ("streaming.jl", "train.jl")
    name = Symbol("Example_", file)
    @eval module $name
    using Test
    include(joinpath($(@__DIR__), "..", "examples", $file))
    end
    @test true
end
