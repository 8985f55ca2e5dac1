# SPDX-License-Identifier: Apache-2.0
# pullback against differences, in float64, and the rule for ChainRules over it.
function numeric(loss, array; step = 1e-6)
    gradient = similar(array)
    for i in eachindex(array)
        kept = array[i]
        array[i] = kept + step
        up = loss()
        array[i] = kept - step
        gradient[i] = (up - loss()) / 2step
        array[i] = kept
    end
    return gradient
end

let D = 2, N = 2, T = 3, B = 2
    for cell in cells(), options in ((), (recompute = true, reverse = true), (lengths = [2, 3], forward_clip = 0.4))
        info = cell_info(cell)
        wx, r = randn(D, N, length(info.input_gates), T, B), randn(D, D, N, length(info.recurrent_gates)) / 2
        bias, initial = randn(D, N, length(info.bias_gates)) / 2, randn(D, N, B, length(info.states)) / 2
        cell === :slstm && (initial[:, :, :, 3] .= 1.5)
        d_h, d_last = randn(D, N, T, B), randn(D, N, B, length(info.states))
        function loss()
            h, last_states = flashrnn(wx, r, bias, initial; cell = cell, options...)
            return sum(h .* d_h) + sum(last_states .* d_last)
        end
        (h, last_states), back = FlashRNN.pullback(wx, r, bias, initial; cell = cell, options...)
        @test all((h, last_states) .≈ flashrnn(wx, r, bias, initial; cell = cell, options...))
        gradients = back(d_h, d_last)
        cell === :elman_relu && continue # not smooth: a difference may step over the corner
        for (array, gradient) in zip((wx, r, bias, initial), gradients)
            @test isapprox(gradient, numeric(loss, array); rtol = 1e-5, atol = 1e-7)
        end
        # Half of the sum, the other half, and cotangents that are no plain arrays of that type.
        parts = back(d_h, nothing), back(nothing, d_last)
        @test all(isapprox.(gradients, parts[1] .+ parts[2]))
        @test back(PermutedDimsArray(permutedims(d_h, 4:-1:1), 4:-1:1), d_last) == gradients
        @test back(Float32.(d_h), d_last)[1] ≈ back(Float64.(Float32.(d_h)), d_last)[1]
    end
end

# The package itself where the environment has it; else the few names that the extension uses.
Base.identify_package("ChainRulesCore") === nothing && push!(LOAD_PATH, joinpath(@__DIR__, "stubs"))
using ChainRulesCore
isdefined(Base, :get_extension) && Base.get_extension(FlashRNN, :FlashRNNChainRulesCoreExt) !== nothing ||
    include("../ext/FlashRNNChainRulesCoreExt.jl")

let wx = randn(3, 2, 4, 5, 2), r = randn(3, 3, 2, 4), bias = randn(3, 2, 4), d_h = randn(3, 2, 5, 2)
    for optional in ((), (bias,), (nothing, nothing), (bias, randn(3, 2, 2, 2)))
        result, back = ChainRulesCore.rrule(flashrnn, wx, r, optional...; cell = :lstm, recurrent_gradient_clip = 0.1)
        @test all(result .≈ flashrnn(wx, r, optional...))
        tangents = back((d_h, ChainRulesCore.ZeroTangent()))
        @test length(tangents) == 3 + length(optional)
        @test tangents[1] isa ChainRulesCore.NoTangent
        want = FlashRNN.pullback(wx, r, optional...; recurrent_gradient_clip = 0.1)[2](d_h, nothing)
        for (got, want) in zip(tangents[2:end], want)
            @test want === nothing ? got isa ChainRulesCore.NoTangent : got == want
        end
        @test all(iszero, back(ChainRulesCore.ZeroTangent())[2])
    end
end
