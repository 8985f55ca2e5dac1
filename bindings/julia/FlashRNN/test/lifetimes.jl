# SPDX-License-Identifier: Apache-2.0
# Handles in loops, in any order, in threads, and with exceptions in the middle.
options = (cell = :slstm, batch = 2, time = 5, heads = 2, head_dim = 8, threads = 1)

function run_once(plan, seed)
    value(i) = Float32((7i + seed) % 11) / 10 - 0.5f0
    wx, r = (reshape(value.(1:prod(shape)), shape) for shape in (plan.shapes.wx, plan.shapes.r))
    h, d_r = zeros(Float32, plan.shapes.h), zeros(Float32, plan.shapes.r)
    workspace, saved = Workspace(plan), Saved(plan)
    forward!(plan; wx = wx, r = r, h = h, workspace = workspace, saved = saved)
    backward!(plan; r = r, h = h, d_h = h, d_r = d_r, workspace = workspace, saved = saved)
    return h, d_r
end

let plan = Plan(Device(:cpu); options...)
    want = [run_once(plan, seed) for seed in 1:8]
    got = [similar(want, 0) for _ in 1:8]
    Threads.@threads for seed in 1:8
        for _ in 1:20
            push!(got[seed], run_once(plan, seed))
        end
    end
    @test all(all(==(want[seed]), got[seed]) for seed in 1:8)
    Threads.nthreads() == 1 && @info "JULIA_NUM_THREADS is 1: the test of threads shows nothing"

    # Each thread has its own messages.
    right = fill(false, 50)
    Threads.@threads for i in 1:50
        try
            Plan(plan.device; cell = :lstm, head_dim = -i)
        catch error
            right[i] = occursin("head_dim is -$i:", error.message)
        end
    end
    @test all(right)
end

# The device is closed first, twice, by hand and by the collector.
let device = Device(:cpu)
    plan, array, stream, event = Plan(device; options...), DeviceArray(device, [1.0f0, 2.0f0]), Stream(device), Event(device)
    close(device)
    close(device)
    @test !isopen(device)
    @test Array(array) == [1, 2]
    record(event, stream)
    synchronize(stream)
    last = Event(Device(:cpu))
    record(last)
    synchronize(last)
    for x in (array, array, stream, stream, event, event, plan, plan)
        close(x)
    end
    @test_throws ArgumentError Array(array)
    @test_throws FlashRNNError synchronize(event)
end

let device = Device(:cpu), first = Event(device), last = Event(device)
    record(first)
    record(last)
    @test elapsed(first, last) >= 0
    @test_throws FlashRNNError Stream(device, Ptr{Cvoid}(16))
    @test Stream(device, C_NULL) isa Stream
    @test any(info -> info == device.info, devices())
    for text in (describe(), describe(device), describe(Plan(device; options...)))
        @test startswith(text, '{') || startswith(text, '[')
        @test occursin("cpu", text)
    end
end

# 300 rounds of 3 MB that were kept would be 900 MB.
function round_of(i)
    device = Device(:cpu)
    plan = Plan(device; options...)
    held = (Workspace(plan), Saved(plan), Stream(device), Event(device))
    array = DeviceArray(device, ones(Float32, 750_000))
    iseven(i) && try
        Plan(device; options..., batch = 0)
    catch
    end
    return length(array) + length(held)
end

function rounds(count)
    for i in 1:count
        round_of(i)
        i % 10 == 0 && GC.gc()
    end
    GC.gc()
end

resident() = parse(Int, split(read("/proc/self/statm", String))[2]) * 4096
if Sys.islinux()
    rounds(50)
    before = resident()
    rounds(300)
    @test resident() - before < 100_000_000
end

let before = length(FlashRNN.PLANS), wx = zeros(Float32, 4, 1, 4, 3, 1), r = zeros(Float32, 4, 4, 1, 4)
    flashrnn(wx, r)
    flashrnn(wx, r)
    @test length(FlashRNN.PLANS) <= before + 1
    FlashRNN.empty_plans!()
    @test isempty(FlashRNN.PLANS)
end
