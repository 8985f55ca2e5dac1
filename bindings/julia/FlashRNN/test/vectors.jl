# SPDX-License-Identifier: Apache-2.0
# The library through this package gives what it gives through C: every case of the shared test vectors, whose format
# tests/vectors/README.md tells.
using FlashRNN: BFloat16, bfloat16_from_bits

const TYPES = Dict(1 => Float32, 2 => BFloat16, 3 => Float16, 4 => Float64, 5 => UInt8, 6 => Int32, 7 => Int64)
const MODE_NAMES = Dict(1 => :training, 2 => :recompute, 3 => :inference)
const FLAG_NAMES = (:reverse, :lengths, :resets, :cut_recurrent_gradient, :allow_tf32)

struct Case
    name::String
    fields::Dict{Symbol,Float64}
    bounds::Dict{String,Float64}
    tensors::Dict{Tuple{String,String,Symbol},Array} # (call, role, name), in this package's axes
end

function read_cases(folder)
    bytes = read(joinpath(folder, "vectors.bin"))
    lines = eachline(joinpath(folder, "vectors.txt"))
    cases, case = Case[], nothing
    for (number, line) in enumerate(lines)
        words = split(line, ' ')
        if number == 1
            @assert line == "flashrnn-vectors 1"
        elseif words[1] == "case"
            case = Case(words[2], Dict(), Dict(), Dict())
        elseif words[1] == "set"
            case.fields[Symbol(words[2])] = parse(Float64, words[3])
        elseif words[1] == "bound"
            case.bounds[words[2]] = parse(Float64, words[3])
        elseif words[1] == "tensor"
            T, offset = TYPES[parse(Int, words[5])], parse(Int, words[6])
            size = reverse(parse.(Int, words[7:end]))
            data = reinterpret(T, bytes[offset+1:offset+prod(size)*sizeof(T)])
            array = reshape(collect(data), size...)
            # C's last axis is the unit that h comes from, and Julia's first is the unit that the product goes to.
            words[4] in ("r", "d_r") && (array = permutedims(array, (2, 1, 3, 4)))
            case.tensors[(words[2], words[3], Symbol(words[4]))] = array
        else
            @assert words == ["end"]
            push!(cases, case)
        end
    end
    return cases
end

function plan_of(case, device)
    f = copy(case.fields)
    take(name) = pop!(f, name)
    flags = Int(take(:flags))
    options = Dict(name => flags >> (i - 1) & 1 == 1 for (i, name) in enumerate(FLAG_NAMES))
    plan = Plan(device; cell = FlashRNN.raw_cell_info(Int(take(:cell))).name, mode = MODE_NAMES[Int(take(:mode))],
                batch = Int(take(:batch)), time = Int(take(:time)), heads = Int(take(:heads)),
                head_dim = Int(take(:head_dim)), dtype = TYPES[take(:dtype)], weight_dtype = TYPES[take(:weight_dtype)],
                state_dtype = TYPES[take(:state_dtype)], forward_clip = take(:forward_clip),
                recurrent_gradient_clip = take(:recurrent_gradient_clip), threads = Int(take(:threads)), options...)
    @assert isempty(f) "a field is not known here: $f"
    return plan
end

# Where an array's elements lie.
as_it_is(array) = array
axes_reversed(array) = PermutedDimsArray(permutedims(array, ndims(array):-1:1), ndims(array):-1:1)
function with_gaps(array)
    wide = similar(array, map(n -> 2n + 1, size(array)))
    view_ = view(wide, map(n -> 2:2:2n, size(array))...)
    return copyto!(view_, array)
end
backwards(array) = view(reverse(array; dims = ndims(array)), ntuple(_ -> Colon(), ndims(array) - 1)..., size(array)[end]:-1:1)

# One method for all types of arrays, compiled once.
real_values(@nospecialize(array)) = Float64[Float64(x) for x in array]
poisoned(array) = fill!(similar(array), convert(eltype(array), NaN32))
magnitude(values) = sqrt(sum(abs2, values))

function expect(case, call, outputs, exact)
    bound = case.bounds[call == "backward" ? "gradients" : "outputs"]
    for (name, got) in pairs(outputs)
        expected = case.tensors[(call, "out", name)]
        got_values, want = vec(real_values(got isa DeviceArray ? Array(got) : got)), vec(real_values(expected))
        good = size(got) == size(expected) && magnitude(got_values .- want) <= bound * magnitude(want)
        good &= !exact || isequal(got_values, want)
        good || @info "differs" case.name call name got_values want
        @test good
    end
end

function replay(case, device, lay_input, lay_output, exact, stream = nothing)
    plan = plan_of(case, device)
    workspace, saved = Workspace(plan), Saved(plan)
    of(call, role) = Dict(k[3] => v for (k, v) in case.tensors if k[1] == call && k[2] == role)
    inputs(call) = Dict(name => lay_input(array) for (name, array) in of(call, "in"))
    outputs(call) = Dict(name => lay_output(poisoned(array)) for (name, array) in of(call, "out"))

    given, got = inputs("forward"), outputs("forward")
    forward!(plan; given..., got..., workspace = workspace, saved = saved, stream = stream)
    stream === nothing || synchronize(stream)
    expect(case, "forward", got, exact)
    if any(key -> key[1] == "backward", keys(case.tensors))
        case.fields[:mode] == 2 || (delete!(given, :wx); delete!(given, :bias))
        gradients = outputs("backward")
        backward!(plan; given..., inputs("backward")..., gradients..., h = got[:h], workspace = workspace, saved = saved,
                  stream = stream)
        stream === nothing || synchronize(stream)
        expect(case, "backward", gradients, exact)
    end
    if any(key -> key[1] == "step", keys(case.tensors))
        got = outputs("step")
        step!(plan; inputs("step")..., got..., workspace = workspace, stream = stream)
        stream === nothing || synchronize(stream)
        expect(case, "step", got, exact)
    end
end

# In the device's own memory, on its default stream and on another one.
function replay_in_device_memory(device, cases)
    upload(array) = DeviceArray(device, array)
    own = Stream(device)
    for case in cases, stream in (nothing, own)
        try
            replay(case, device, upload, upload, false, stream)
        catch error
            # What no GPU computes may be refused there.
            refused = error isa FlashRNNError && error.status == FlashRNN.FLASHRNN_UNSUPPORTED
            refused && !FlashRNN.is_host(device) && any(name -> case.fields[name] == 4, (:dtype, :weight_dtype, :state_dtype)) ||
                rethrow()
        end
    end
end

if isempty(VECTORS)
    @info "FLASHRNN_VECTORS does not name the folder of the test vectors"
    @test_skip false
else
    all_cases = read_cases(VECTORS)
    @test all(call -> any(c -> any(k -> k[1] == call, keys(c.tensors)), all_cases), ("forward", "backward", "step"))
    let device = Device(:cpu)
        for case in all_cases
            replay(case, device, as_it_is, as_it_is, true)
            # Layouts are one code for all dtypes, and compiling Julia's own for every dtype takes a minute.
            case.fields[:dtype] == 1 || continue
            replay(case, device, axes_reversed, axes_reversed, false)
            replay(case, device, backwards, with_gaps, false)
        end
    end
end

if !isempty(VECTORS)
    replay_in_device_memory(Device(:cpu), filter(case -> case.fields[:dtype] == 1, all_cases))
    if any(info -> info.backend === :cuda, devices())
        replay_in_device_memory(Device(:cuda), all_cases)
    else
        @info "SKIPPED on CUDA: no such device here, or none in this build"
        @test_skip false
    end
end
