# SPDX-License-Identifier: Apache-2.0
# From arrays to flashrnn_tensor: an address, a dtype, and one stride an axis in the header's order of axes.

"""
    Tensor(pointer, T, size; strides = those of a packed Array)

An array by its address on the device (any pointer or integer) for what is no array of Julia's. `strides` are in elements. The
caller keeps the memory alive until the run is over.
"""
struct Tensor{N}
    address::UInt
    eltype::DataType
    size::Dims{N}
    strides::NTuple{N,Int}
end

function Tensor(pointer, T::DataType, size::Dims{N}; strides::NTuple{N,Int} = packed_strides(size)) where {N}
    return Tensor{N}(UInt(pointer), T, size, strides)
end

packed_strides(size::Dims{N}) where {N} = ntuple(axis -> prod(size[1:axis-1]), N)

# The axes of flashrnn.h in terms of this package's, and their names for messages.
const LAYOUTS = (
    wx = ((5, 4, 3, 2, 1), "(D, N, G, T, B)"),
    r = ((4, 3, 1, 2), "(D, D, N, G)"),
    bias = ((3, 2, 1), "(D, N, G)"),
    h = ((4, 3, 2, 1), "(D, N, T, B)"),
    states = ((5, 4, 3, 2, 1), "(D, N, T, B, S)"),
    last_states = ((4, 3, 2, 1), "(D, N, B, S)"),
    lengths = ((1,), "(B,)"),
    resets = ((2, 1), "(B, T)"),
    step_wx = ((4, 3, 2, 1), "(D, N, G, B)"),
    step_h = ((3, 2, 1), "(D, N, B)"),
)

# (address, element type, size, strides), once the memory is seen to be the device's.
function parts(name, array::AbstractArray, device::Device)
    pointer_, strides_ = try
        pointer(array), strides(array)
    catch
        throw(ArgumentError("$name is a $(typeof(array)): must have strides and a pointer; collect(...) gives such an array"))
    end
    host = pointer_ isa Ptr
    host == is_host(device) || throw(ArgumentError(
        "$name is a $(typeof(array)) in $(host ? "host" : "device") memory, and the plan's device is $device",
    ))
    return UInt(pointer_), eltype(array), size(array), strides_
end

function parts(name, array::DeviceArray, device::Device)
    array.backend == (device.info.backend, device.info.ordinal) ||
        throw(ArgumentError("$name is of device $(array.backend), and the plan's device is $device"))
    return UInt(address(array)), eltype(array), size(array), packed_strides(size(array))
end

parts(name, tensor::Tensor, ::Device) = (tensor.address, tensor.eltype, tensor.size, tensor.strides)

parts(name, other, ::Device) = throw(ArgumentError("$name is a $(typeof(other)): must be an array, a DeviceArray or a Tensor"))

# `shape` is a key of LAYOUTS and of the plan's shapes.
function c_tensor(name, @nospecialize(array), shape::Symbol, plan)
    array === nothing && return flashrnn_tensor()
    order, axes = LAYOUTS[shape]
    return laid_out(name, array, plan.device, plan.shapes[shape], order, axes)::flashrnn_tensor
end

# Apart, since it is the types of these arguments that the loops below are compiled for.
function laid_out(name, array, device::Device, wanted, order, axes)
    address_, T, size_, strides_ = parts(name, array, device)
    size_ == wanted || throw(DimensionMismatch("$name has size $size_: must be $wanted, its axes being $axes"))
    # No element is at no address, which would mean absent.
    address_ == 0 && prod(size_) == 0 && (address_ = UInt(256))
    stride = ntuple(axis -> axis <= length(order) ? Int64(strides_[order[axis]]) : Int64(0), Val(Int(FLASHRNN_MAX_AXES)))
    return flashrnn_tensor(Ptr{Cvoid}(address_), dtype(T), Int32(0), stride)
end
