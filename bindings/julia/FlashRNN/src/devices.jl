# SPDX-License-Identifier: Apache-2.0

# The C handle, closed once neither the Device nor any memory of it is left: finalizers come in any order.
struct DeviceHandle
    raw::flashrnn_device
    users::Threads.Atomic{Int}
end

retain(handle::DeviceHandle) = (Threads.atomic_add!(handle.users, 1); handle)
release(handle::DeviceHandle) =
    Threads.atomic_sub!(handle.users, 1) == 1 ? (flashrnn_device_close(handle.raw); nothing) : nothing

const BACKENDS = Dict(
    :best => FLASHRNN_BACKEND_BEST,
    :cpu => FLASHRNN_BACKEND_CPU,
    :cuda => FLASHRNN_BACKEND_CUDA,
    :hip => FLASHRNN_BACKEND_HIP,
    :vulkan => FLASHRNN_BACKEND_VULKAN,
)

"""
    Device(backend = :best, ordinal = 0)

An open device; `:cpu`, `:cuda`, `:hip`, `:vulkan`, or the fastest there is. Closed by `close` or the garbage collector; plans
and memory made from it stay usable. `device.info` says what it is.
"""
mutable struct Device
    handle::Union{DeviceHandle,Nothing}
    info::NamedTuple

    function Device(backend::Symbol = :best, ordinal::Integer = 0)
        value = get(BACKENDS, backend, nothing)
        value === nothing &&
            throw(ArgumentError("backend is :$backend: must be one of $(join(repr.(sort!(collect(keys(BACKENDS)))), ", "))"))
        raw = Ref{flashrnn_device}(C_NULL)
        check(flashrnn_device_open(value, ordinal, raw))
        handle = DeviceHandle(raw[], Threads.Atomic{Int}(1))
        info = Ref(flashrnn_device_info())
        status = flashrnn_device_get_info(raw[], info)
        status == FLASHRNN_OK || (release(handle); check(status))
        return finalizer(close, new(handle, device_info(info[])))
    end
end

array_text(chars) = String(UInt8[c % UInt8 for c in Iterators.takewhile(!iszero, chars)])
device_info(info) = (
    backend = Symbol(array_text(info.backend_name)),
    ordinal = Int(info.ordinal),
    name = array_text(info.name),
    compute_units = Int(info.compute_units),
    memory_bytes = Int(info.memory_bytes),
)

"Every device of this machine, the fastest kind first, as named tuples."
function devices()
    count = Ref{Int32}(0)
    check(flashrnn_list_devices(C_NULL, 0, count))
    infos = fill(flashrnn_device_info(), count[])
    isempty(infos) || check(flashrnn_list_devices(infos, length(infos), count))
    return device_info.(infos)
end

function Base.close(device::Device)
    handle, device.handle = device.handle, nothing
    handle === nothing || release(handle)
    return nothing
end

Base.isopen(device::Device) = device.handle !== nothing
raw(device::Device) = device.handle === nothing ? throw(ArgumentError("the device is closed")) : device.handle.raw
is_host(device::Device) = device.info.backend === :cpu
Base.show(io::IO, device::Device) =
    print(io, "Device(:", device.info.backend, ", ", device.info.ordinal, "): ", device.info.name)
describe(device::Device) =
    GC.@preserve device text((t, n, l) -> flashrnn_device_describe(raw(device), t, n, l))

"""
    DeviceArray(device, array)
    DeviceArray{T}(device, dims...)

An array in a device's memory, for devices other than the CPU without a package of their own (the elements of the second form
are not set). `Array(x)` copies it back, `copyto!` copies in both directions, `close` frees it early.
"""
mutable struct DeviceArray{T,N}
    handle::Union{DeviceHandle,Nothing}
    backend::Tuple{Symbol,Int}
    data::Ptr{Cvoid}
    size::Dims{N}

    function DeviceArray{T}(device::Device, size::Vararg{Integer,N}) where {T,N}
        isbitstype(T) || throw(ArgumentError("element type is $T: must be plain data"))
        all(>=(0), size) || throw(ArgumentError("size is $size: must not be negative"))
        bytes = Base.checked_mul(foldl(Base.checked_mul, Int.(size); init = 1), sizeof(T))
        data = Ref{Ptr{Cvoid}}(C_NULL)
        check(flashrnn_memory_allocate(raw(device), bytes, data))
        place = (device.info.backend, device.info.ordinal)
        return finalizer(close, new{T,N}(retain(device.handle), place, data[], Int.(size)))
    end
end

function DeviceArray(device::Device, array::AbstractArray{T}) where {T}
    return copyto!(DeviceArray{T}(device, size(array)...), array)
end

function Base.close(array::DeviceArray)
    handle, array.handle = array.handle, nothing
    if handle !== nothing
        flashrnn_memory_free(handle.raw, array.data)
        release(handle)
    end
    return nothing
end

Base.size(array::DeviceArray) = array.size
Base.length(array::DeviceArray) = prod(array.size)
Base.eltype(::Type{<:DeviceArray{T}}) where {T} = T
Base.sizeof(array::DeviceArray) = length(array) * sizeof(eltype(array))
Base.show(io::IO, array::DeviceArray) =
    print(io, join(array.size, "×"), " ", typeof(array), " on ", array.backend[1], " ", array.backend[2])
address(array::DeviceArray) =
    array.handle === nothing ? throw(ArgumentError("the DeviceArray is closed")) : array.data

function copy_memory(array::DeviceArray, host::Array, kind)
    size(array) == size(host) ||
        throw(DimensionMismatch("copy between sizes $(size(array)) and $(size(host)): must be equal"))
    eltype(array) == eltype(host) ||
        throw(ArgumentError("copy between element types $(eltype(array)) and $(eltype(host)): must be equal"))
    GC.@preserve array host begin
        device, host_data = Ptr{Cvoid}(address(array)), Ptr{Cvoid}(pointer(host))
        to, from = kind == FLASHRNN_COPY_HOST_TO_DEVICE ? (device, host_data) : (host_data, device)
        check(flashrnn_memory_copy(array.handle.raw, C_NULL, to, from, sizeof(array), kind))
    end
end

function Base.copyto!(array::DeviceArray, host::AbstractArray)
    copy_memory(array, host isa Array ? host : collect(host), FLASHRNN_COPY_HOST_TO_DEVICE)
    return array
end
function Base.copyto!(host::Array, array::DeviceArray)
    copy_memory(array, host, FLASHRNN_COPY_DEVICE_TO_HOST)
    return host
end
Base.Array(array::DeviceArray{T,N}) where {T,N} = copyto!(Array{T,N}(undef, array.size), array)

for (Name, create, close_call, what) in (
    (:Stream, :flashrnn_stream_create, :flashrnn_stream_close, "A queue of a device's work."),
    (:Event, :flashrnn_event_create, :flashrnn_event_close, "A point in the work of a stream."),
)
    @eval begin
        """
            $($(string(Name)))(device)

        $($what) Used by one thread at a time; closed by `close` or the garbage collector.
        """
        mutable struct $Name
            raw::Ptr{Cvoid}
            $Name(raw::Ptr{Cvoid}) = finalizer(close, new(raw))
        end
        function $Name(device::Device)
            made = Ref{Ptr{Cvoid}}(C_NULL)
            check($create(raw(device), made))
            return $Name(made[])
        end
        function Base.close(x::$Name)
            handle, x.raw = x.raw, C_NULL
            handle == C_NULL || $close_call(handle)
            return nothing
        end
    end
end

"""
    Stream(device, native)

Wraps the backend's own stream (the pointer of a `CUstream`, ...), which the caller keeps owning and alive.
"""
function Stream(device::Device, native)
    made = Ref{Ptr{Cvoid}}(C_NULL)
    check(flashrnn_stream_wrap(raw(device), Ptr{Cvoid}(native), made))
    return Stream(made[])
end

raw(::Nothing) = C_NULL
raw(stream::Stream) = stream.raw == C_NULL ? throw(ArgumentError("the stream is closed")) : stream.raw

"Waits until all work of the stream is done, or the event is reached."
synchronize(stream::Stream) = GC.@preserve stream check(flashrnn_stream_synchronize(stream.raw))
synchronize(event::Event) = GC.@preserve event check(flashrnn_event_synchronize(event.raw))

"`record(event, stream = nothing)` marks the point up to which the stream (or the device's default stream) now has work."
record(event::Event, stream::Union{Stream,Nothing} = nothing) =
    GC.@preserve event stream check(flashrnn_event_record(event.raw, raw(stream)))

"`elapsed(first, last)`: milliseconds between two recorded events; waits for the second."
function elapsed(first::Event, last::Event)
    milliseconds = Ref(0.0)
    GC.@preserve first last check(flashrnn_event_elapsed(first.raw, last.raw, milliseconds))
    return milliseconds[]
end
