# SPDX-License-Identifier: Apache-2.0
# The structs are C's, and the library is the one that the declarations are of.
for (T, size, offsets) in FlashRNN.LAYOUT
    @test sizeof(T) == size
    @test Tuple(Int(fieldoffset(T, i)) for i in 1:fieldcount(T)) == offsets
end
@test FlashRNN.version() ==
      VersionNumber(FlashRNN.FLASHRNN_VERSION_MAJOR, FlashRNN.FLASHRNN_VERSION_MINOR, FlashRNN.FLASHRNN_VERSION_PATCH)
@test FlashRNN.flashrnn_forward_args().struct_size == sizeof(FlashRNN.flashrnn_forward_args)
@test all(i -> FlashRNN.symbol(i) != C_NULL, 1:length(FlashRNN.SYMBOL_NAMES))
@test length(FlashRNN.SYMBOL_NAMES) <= length(FlashRNN.SYMBOLS)
@test cells()[1:4] == [:lstm, :gru, :elman, :slstm]
@test cell_info(:slstm).states == [:h, :c, :n, :m]
@test cell_info(:gru).bias_gates == [:r, :u, :n, :g]
@test FlashRNN.has_feature("cpu") && FlashRNN.has_feature("lstm") && !FlashRNN.has_feature("no such thing")
