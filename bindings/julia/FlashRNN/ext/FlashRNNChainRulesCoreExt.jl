# SPDX-License-Identifier: Apache-2.0
# The gradient of flashrnn for whatever follows ChainRules (Zygote, ...). Julia 1.9 and later load it by themselves beside
# ChainRulesCore; before that, include this file after both packages.
module FlashRNNChainRulesCoreExt

using ChainRulesCore: ChainRulesCore, AbstractZero, NoTangent, unthunk
using FlashRNN: FlashRNN, flashrnn

plain(d) = (d = unthunk(d); d isa AbstractZero ? nothing : d)
tangent(d) = d === nothing ? NoTangent() : d

# `optional` is bias and initial_states, as far as they were given.
function ChainRulesCore.rrule(::typeof(flashrnn), wx, r, optional...; options...)
    result, back = FlashRNN.pullback(wx, r, optional...; options...)
    function flashrnn_pullback(d)
        d = plain(d)
        d_h, d_last_states = d === nothing ? (nothing, nothing) : (plain(d[1]), plain(d[2]))
        gradients = tangent.(back(d_h, d_last_states))
        return (NoTangent(), gradients[1:2+length(optional)]...)
    end
    return result, flashrnn_pullback
end

end
