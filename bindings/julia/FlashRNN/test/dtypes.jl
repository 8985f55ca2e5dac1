# SPDX-License-Identifier: Apache-2.0
using FlashRNN: BFloat16, bfloat16_from_bits
for bits in 0x0000:0xffff
    value = Float32(bfloat16_from_bits(bits))
    back = BFloat16(value)
    isnan(value) ? (@assert isnan(back)) : (@assert back.bits == bits)
end
@test BFloat16(1 + 1 / 256).bits == 0x3f80 # ties to even
@test BFloat16(1 + 3 / 256).bits == 0x3f82
@test BFloat16(1.001 + 1 / 256).bits == 0x3f81
@test BFloat16(floatmax(Float32)).bits == 0x7f80
@test isnan(BFloat16(reinterpret(Float32, 0x7f800001)))
@test BFloat16(2) + 1.5f0 === 3.5f0
@test convert(BFloat16, 1.5) == one(BFloat16) + 0.5f0
@test FlashRNN.dtype(BFloat16) == FlashRNN.FLASHRNN_BFLOAT16
@test FlashRNN.dtype(Bool) == FlashRNN.FLASHRNN_UINT8
@test_throws ArgumentError FlashRNN.dtype(Int16)
