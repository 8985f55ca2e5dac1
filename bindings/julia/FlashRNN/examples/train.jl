# SPDX-License-Identifier: Apache-2.0
# An LSTM learns the parity of the bits so far: an input table, the recurrent layer, a readout, and Adam.
#
#     julia --project=bindings/julia/FlashRNN bindings/julia/FlashRNN/examples/train.jl
using FlashRNN, Random

mutable struct Adam
    value::Array{Float32}
    first::Array{Float32}
    second::Array{Float32}
    count::Int
end
Adam(value) = Adam(value, zero(value), zero(value), 0)

function update!(p::Adam, gradient; rate = 0.01f0)
    p.count += 1
    @. p.first = 0.9f0 * p.first + 0.1f0 * gradient
    @. p.second = 0.99f0 * p.second + 0.01f0 * gradient^2
    correction = (1 - 0.9f0^p.count, 1 - 0.99f0^p.count)
    @. p.value -= rate * (p.first / correction[1]) / (sqrt(p.second / correction[2]) + 1.0f-8)
end

function train(; heads = 2, head_dim = 16, time = 16, batch = 64, updates = 400, rng = MersenneTwister(1))
    units, gates = heads * head_dim, 4
    uniform(scale, size...) = scale .* (2 .* rand(rng, Float32, size...) .- 1)
    table = Adam(uniform(1.0f0, head_dim, heads, gates, 2)) # a slice of projections for either bit
    r = Adam(uniform(0.25f0, head_dim, head_dim, heads, gates))
    bias = Adam(zeros(Float32, head_dim, heads, gates))
    readout = Adam(uniform(0.2f0, 1, units))
    offset = Adam(zeros(Float32, 1))

    accuracy = 0.0
    for update in 1:updates
        bits = rand(rng, 1:2, time, batch)
        parity = cumsum(bits .- 1; dims = 1) .% 2
        wx = table.value[:, :, :, bits] # (D, N, G, T, B)
        (h, _), back = FlashRNN.pullback(wx, r.value, bias.value)

        flat = reshape(h, units, time * batch)
        logits = vec(readout.value * flat) .+ offset.value[1]
        sign = vec(2.0f0 .* parity .- 1)
        loss = sum(log1p.(exp.(-sign .* logits))) / length(logits)
        accuracy = sum(sign .* logits .> 0) / length(logits)
        d_logits = -sign ./ (1 .+ exp.(sign .* logits)) ./ length(logits)

        d_wx, d_r, d_bias, _ = back(reshape(readout.value' * d_logits', size(h)), nothing)
        d_table = zero(table.value)
        for b in 1:batch, t in 1:time
            d_table[:, :, :, bits[t, b]] .+= @view d_wx[:, :, :, t, b]
        end
        update!(table, d_table)
        update!(r, d_r)
        update!(bias, d_bias)
        update!(readout, d_logits' * flat')
        update!(offset, sum(d_logits))
        update % 100 == 0 && println("update $update  loss $(round(loss; digits = 4))  accuracy $(round(accuracy; digits = 3))")
    end
    accuracy > 0.99 || error("the parity was not learnt: accuracy $accuracy")
end

train()
