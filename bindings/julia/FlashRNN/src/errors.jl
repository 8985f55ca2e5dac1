# SPDX-License-Identifier: Apache-2.0
"""
    FlashRNNError(status, message)

A call of the library failed: the status of flashrnn.h, and the call, the value and the rule that it broke. Sizes that do not
fit are a `DimensionMismatch` before any call, other misuse of this package an `ArgumentError`.
"""
struct FlashRNNError <: Exception
    status::Int32
    message::String
end

function Base.showerror(io::IO, error::FlashRNNError)
    print(io, unsafe_string(flashrnn_status_name(error.status)), ": ", error.message)
end

# The message is its thread's, and valid until that thread's next call, which may be a finalizer's wherever something is
# allocated. So nothing is between asking for it and copying it; and nothing yields, which could move the task to another
# thread.
function last_message()
    length_of(message) = Int(ccall(:strlen, Csize_t, (Cstring,), message))
    bytes = Vector{UInt8}(undef, length_of(flashrnn_last_error_message()))
    message = flashrnn_last_error_message()
    count = min(length(bytes), length_of(message))
    GC.@preserve bytes unsafe_copyto!(pointer(bytes), Ptr{UInt8}(message), count)
    return String(resize!(bytes, count))
end

function check(status)
    status == FLASHRNN_OK && return nothing
    throw(FlashRNNError(status, last_message()))
end

# The two-call pattern of every text that the ABI gives: ask for the length, then for the text.
function text(call)
    length = Ref{Csize_t}(0)
    check(call(Ptr{Cchar}(C_NULL), 0, length))
    bytes = Vector{UInt8}(undef, length[] + 1)
    GC.@preserve bytes check(call(Ptr{Cchar}(pointer(bytes)), sizeof(bytes), length))
    return String(resize!(bytes, length[]))
end

"`describe()`: JSON of every backend, whether it can be used here and if not, why. Also of a `Device` and of a `Plan`."
describe() = text(flashrnn_describe_backends)

"The library's version."
function version()
    number = flashrnn_version()
    return VersionNumber(number ÷ 1_000_000, number ÷ 1000 % 1000, number % 1000)
end

"Whether the library has that feature: a backend (\"cpu\"), a cell (\"lstm\"), \"recompute\", \"lengths\", \"threads\", ..."
has_feature(name) = flashrnn_has_feature(String(name)) != 0
