# SPDX-License-Identifier: Apache-2.0
# What the documentation says of the axes: an Elman network and an LSTM by Julia's own matrix products.
sigmoid(x) = 1 / (1 + exp(-x))

let D = 3, N = 2, T = 4, B = 2
    wx, r, bias = randn(D, N, 1, T, B), randn(D, D, N, 1) / 2, randn(D, N, 1)
    initial = randn(D, N, B, 1)
    h, last_states = flashrnn(wx, r, bias, initial; cell = :elman)
    want = similar(h)
    for b in 1:B, n in 1:N
        state = initial[:, n, b, 1]
        for t in 1:T
            state = tanh.(wx[:, n, 1, t, b] + r[:, :, n, 1] * state + bias[:, n, 1])
            want[:, n, t, b] = state
        end
    end
    @test h ≈ want
    @test last_states[:, :, :, 1] ≈ want[:, :, T, :]

    wx, r = randn(D, N, 4, T, B), randn(D, D, N, 4) / 2
    lengths, resets = [3, 4], [false true false false; false false false true]
    h, last_states = flashrnn(wx, r; cell = :lstm, lengths = lengths, resets = collect(UInt8.(resets)))
    for b in 1:B, n in 1:N
        state, c = zeros(D), zeros(D)
        for t in 1:lengths[b]
            resets[b, t] && (state = zeros(D); c = zeros(D))
            i, f, z, o = (wx[:, n, g, t, b] + r[:, :, n, g] * state for g in 1:4)
            c = sigmoid.(f) .* c + sigmoid.(i) .* tanh.(z)
            state = sigmoid.(o) .* tanh.(c)
            @test h[:, n, t, b] ≈ state
        end
        @test last_states[:, n, b, 1] ≈ state
        @test last_states[:, n, b, 2] ≈ c
        @test all(iszero, h[:, n, lengths[b]+1:T, b])
    end
    @test flashrnn(wx, r; lengths = lengths, resets = Matrix{Bool}(resets))[1] == h # one byte each

    # The time-reversed problem is the problem of reversed time.
    @test flashrnn(wx, r; reverse = true)[1] ≈ reverse(flashrnn(reverse(wx; dims = 4), r)[1]; dims = 3)
end

# An address stands for an array, as a GPU's would.
let plan = Plan(Device(:cpu); cell = :gru, heads = 2, head_dim = 3, time = 2, mode = :inference)
    wx, r = randn(Float32, plan.shapes.wx), randn(Float32, plan.shapes.r)
    h, by_address = zeros(Float32, plan.shapes.h), zeros(Float32, plan.shapes.h)
    workspace = Workspace(plan)
    forward!(plan; wx = wx, r = r, h = h, workspace = workspace)
    GC.@preserve wx r by_address begin
        forward!(plan; wx = Tensor(pointer(wx), Float32, size(wx)), r = Tensor(UInt(pointer(r)), Float32, size(r)),
                 h = Tensor(pointer(by_address), Float32, size(h); strides = strides(by_address)), workspace = workspace)
    end
    @test h == by_address && any(!iszero, h)

    device_wx, device_h = DeviceArray(plan.device, wx), DeviceArray{Float32}(plan.device, plan.shapes.h...)
    forward!(plan; wx = device_wx, r = r, h = device_h, workspace = workspace)
    @test Array(device_h) == h
end

# No elements at all.
let (h, last_states) = flashrnn(zeros(Float32, 3, 2, 4, 0, 2), ones(Float32, 3, 3, 2, 4), nothing, ones(Float32, 3, 2, 2, 2))
    @test size(h) == (3, 2, 0, 2) && all(isone, last_states)
end
