# SPDX-License-Identifier: Apache-2.0
"""
    FlashRNN.BFloat16

bfloat16 by its 16 bits, with conversions from and to the other floats. Arrays of BFloat16s.jl's type are taken as well.
"""
struct BFloat16 <: AbstractFloat
    bits::UInt16
    # Not the default constructors: a number is converted by its value.
    global bfloat16_from_bits(bits::UInt16) = new(bits)
end

function BFloat16(value::Float32)
    bits = reinterpret(UInt32, value)
    isnan(value) && return bfloat16_from_bits((bits >> 16) % UInt16 | 0x0040) # quiet, and never an infinity
    # Half of the last place, and one more where that place is odd: ties go to even.
    return bfloat16_from_bits(((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) % UInt16)
end
BFloat16(value::Real) = BFloat16(Float32(value))
Base.Float32(value::BFloat16) = reinterpret(Float32, UInt32(value.bits) << 16)
Base.Float64(value::BFloat16) = Float64(Float32(value))
Base.promote_rule(::Type{BFloat16}, ::Type{T}) where {T<:Union{Float32,Float64}} = T
Base.isnan(value::BFloat16) = isnan(Float32(value))
Base.:(==)(a::BFloat16, b::BFloat16) = Float32(a) == Float32(b)
Base.show(io::IO, value::BFloat16) = print(io, "BFloat16(", Float32(value), ")")
Base.zero(::Type{BFloat16}) = bfloat16_from_bits(0x0000)
Base.one(::Type{BFloat16}) = bfloat16_from_bits(0x3f80)

const DTYPES = Dict{DataType,Int32}(
    Float32 => FLASHRNN_FLOAT32,
    Float64 => FLASHRNN_FLOAT64,
    Float16 => FLASHRNN_FLOAT16,
    BFloat16 => FLASHRNN_BFLOAT16,
    UInt8 => FLASHRNN_UINT8,
    Bool => FLASHRNN_UINT8,
    Int32 => FLASHRNN_INT32,
    Int64 => FLASHRNN_INT64,
)

function dtype(T::Type)
    value = get(DTYPES, T, Int32(0))
    value != 0 && return value
    # BFloat16s.BFloat16, which Julia 1.11 has in Core.
    isbitstype(T) && sizeof(T) == 2 && nameof(T) === :BFloat16 && return FLASHRNN_BFLOAT16
    throw(ArgumentError("element type is $T: must be Float32, Float64, Float16, BFloat16, or UInt8, Bool, Int32, Int64"))
end
