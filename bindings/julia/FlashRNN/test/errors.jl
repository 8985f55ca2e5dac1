# SPDX-License-Identifier: Apache-2.0
# Bad input is an error of Julia's with the value and the rule, and touches nothing.
function expect_error(call, T, words...)
    error = try
        call()
        nothing
    catch e
        e
    end
    message = error === nothing ? "" : sprint(showerror, error)
    good = error isa T && all(word -> occursin(word, message), words)
    good || @info "another error is expected" error T words
    @test good
end
invalid(call, words...) = expect_error(call, FlashRNNError, "FLASHRNN_INVALID_ARGUMENT", words...)

# As packages for GPUs have them: their pointers are of a type of their own.
struct GpuPointer
    address::UInt
end
struct GpuArray{T,N} <: DenseArray{T,N}
    parent::Array{T,N}
end
Base.size(array::GpuArray) = size(array.parent)
Base.strides(array::GpuArray) = strides(array.parent)
Base.pointer(array::GpuArray) = GpuPointer(UInt(pointer(array.parent)))

let device = Device(:cpu)
    plan_with(; options...) = Plan(device; cell = :lstm, head_dim = 4, heads = 2, time = 3, batch = 2, options...)
    invalid(() -> plan_with(batch = -1), "batch", "-1")
    invalid(() -> plan_with(head_dim = 0), "head_dim")
    invalid(() -> plan_with(forward_clip = NaN), "forward_clip")
    invalid(() -> plan_with(dtype = Int32), "dtype")
    invalid(() -> plan_with(config = "no_such=1"), "no_such")
    expect_error(() -> plan_with(model_path = "/no/such/model"), FlashRNNError)
    expect_error(() -> plan_with(config = "a\0b"), ArgumentError, "zero byte")
    expect_error(() -> plan_with(mode = :train), ArgumentError, ":train", ":training")
    expect_error(() -> plan_with(dtype = String), ArgumentError, "String")
    expect_error(() -> Plan(device; cell = :lstn, head_dim = 4), ArgumentError, ":lstn", ":lstm")
    expect_error(() -> plan_with(batch = typemax(UInt64)), InexactError)
    expect_error(() -> Device(:tpu), ArgumentError, ":tpu", ":cpu")
    expect_error(() -> Device(:cpu, 99), FlashRNNError, "99")

    plan = plan_with()
    workspace, saved = Workspace(plan), Saved(plan)
    wx, r, h = zeros(Float32, plan.shapes.wx), zeros(Float32, plan.shapes.r), fill(7.0f0, plan.shapes.h)
    forward_with(; options...) = forward!(plan; (; wx = wx, r = r, h = h, workspace = workspace, saved = saved, options...)...)
    expect_error(() -> forward_with(wx = wx[:, :, 1:3, :, :]), DimensionMismatch, "wx", "(4, 2, 3, 3, 2)", "(D, N, G, T, B)")
    expect_error(() -> forward_with(r = vec(r)), DimensionMismatch, "r has size")
    expect_error(() -> forward_with(h = h[:, :, 1:2, :]), DimensionMismatch, "h has size")
    expect_error(() -> forward_with(wx = 1:3), ArgumentError, "wx", "strides")
    expect_error(() -> forward_with(wx = "text"), ArgumentError, "wx", "String")
    expect_error(() -> forward_with(lengths = BitArray(undef, 2)), ArgumentError, "lengths")
    invalid(() -> forward_with(wx = Float64.(wx)), "wx", "dtype")
    invalid(() -> forward_with(saved = nothing), "saved")
    invalid(() -> forward_with(lengths = Int32[1, 2]), "lengths")
    invalid(() -> forward_with(h = view(wx, :, :, 1, :, :)), "h", "wx") # overlaps what is read
    invalid(() -> forward_with(wx = Tensor(UInt(16), Float32, size(wx); strides = typemax(Int) .>> (0, 1, 2, 3, 4))), "wx")
    expect_error(() -> forward_with(wx = GpuArray(wx)), ArgumentError, "wx", "in device memory")
    expect_error(() -> flashrnn(GpuArray(wx), r), ArgumentError, "device must be given")
    @test all(==(7), h)
    invalid(() -> forward!(plan_with(lengths = true, mode = :inference); wx = wx, r = r, workspace = workspace,
                           lengths = Int32[0, 4]), "lengths[1]", "4")
    expect_error(() -> forward_with(saved = Saved(plan_with())), ArgumentError, "saved", "another plan")
    expect_error(() -> backward!(plan; r = r, h = h, workspace = workspace, saved = saved), ArgumentError, "saved is empty")
    invalid(() -> backward!(plan_with(mode = :inference); r = r, h = h, workspace = workspace), "mode")
    big = Plan(device; cell = :lstm, head_dim = 64, heads = 8, time = 3, batch = 64)
    invalid(() -> forward!(big; wx = zeros(Float32, big.shapes.wx), r = zeros(Float32, big.shapes.r),
                           h = zeros(Float32, big.shapes.h), workspace = workspace, saved = Saved(big)), "workspace")

    # A GPU's array in host clothes and the other way round.
    elsewhere = DeviceArray{Float32}(device, plan.shapes.wx...)
    elsewhere.backend = (:cuda, 0)
    expect_error(() -> forward_with(wx = elsewhere), ArgumentError, "wx", "device")
    expect_error(() -> copyto!(DeviceArray{Float32}(device, 3), zeros(Float32, 4)), DimensionMismatch)
    expect_error(() -> copyto!(DeviceArray{Float32}(device, 3), zeros(3)), ArgumentError)
    expect_error(() -> DeviceArray{Float32}(device, -1), ArgumentError, "-1")
    expect_error(() -> DeviceArray{Float32}(device, typemax(Int)), OverflowError)

    # What is closed is refused.
    foreach(close, (plan, workspace))
    expect_error(() -> forward_with(), ArgumentError, "closed")
    expect_error(() -> describe(plan), ArgumentError, "closed")
    other = Device(:cpu)
    close(other)
    expect_error(() -> Plan(other; cell = :lstm, head_dim = 4), ArgumentError, "closed")
end
expect_error(() -> flashrnn(zeros(3, 2), zeros(3, 3)), DimensionMismatch, "(D, N, G, T, B)")

# Without a library: loads, and says what is missing at the first call.
let code = "using FlashRNN; try; Device(); catch e; print(e.msg); end"
    project = dirname(@__DIR__)
    said = withenv("FLASHRNN_LIBRARY" => "/no/such/library.so") do
        read(`$(Base.julia_cmd()) --project=$project --startup-file=no -e $code`, String)
    end
    @test occursin("FLASHRNN_LIBRARY", said) && occursin("/no/such/library.so", said)
end
