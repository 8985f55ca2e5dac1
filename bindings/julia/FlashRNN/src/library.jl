# SPDX-License-Identifier: Apache-2.0
# Where the shared library is. It is opened by the first call, so that the package loads without it.

const SYMBOLS = fill(C_NULL, 256) # by the indices of declarations.jl
const LIBRARY_LOCK = ReentrantLock()

# A precompiled module keeps what its variables held.
__init__() = fill!(SYMBOLS, C_NULL)

function library_candidates()
    file = get(ENV, "FLASHRNN_LIBRARY", "")
    isempty(file) || return [file]
    names = Sys.isapple() ? ["libflashrnn.0.dylib", "libflashrnn.dylib"] :
            Sys.iswindows() ? ["flashrnn.dll"] : ["libflashrnn.so.0", "libflashrnn.so"]
    prefix = get(ENV, "FLASHRNN_DIR", "")
    isempty(prefix) && return names
    folders = [joinpath(prefix, "lib"), joinpath(prefix, "lib64"), joinpath(prefix, "bin")]
    isdir(folders[1]) && append!(folders, filter(isdir, readdir(folders[1]; join = true)))
    return filter(isfile, [joinpath(folder, name) for folder in folders for name in names])
end

# libunwind has a second implementation of C++'s unwinder. Where its library comes before libgcc's, as in Debian's Julia, any
# C++ exception aborts the process, even one that is caught.
function require_unwinder()
    Sys.islinux() || return nothing
    name = "_Unwind_RaiseException"
    in_use = ccall(:dlsym, Ptr{Cvoid}, (Ptr{Cvoid}, Cstring), C_NULL, name)
    libgcc = dlopen("libgcc_s.so.1"; throw_error = false)
    (in_use == C_NULL || libgcc === nothing || in_use == dlsym(libgcc, name)) && return nothing
    throw(ErrorException("""
        This Julia resolves C++'s unwinder to another library than libgcc_s, and would abort at the first error of FlashRNN.
        Start it with the environment variable LD_PRELOAD=libgcc_s.so.1."""))
end

function open_library()
    require_unwinder()
    reasons = String[]
    for candidate in library_candidates()
        try
            return dlopen(candidate)
        catch error
            push!(reasons, sprint(showerror, error))
        end
    end
    isempty(reasons) && push!(reasons, "FLASHRNN_DIR is $(ENV["FLASHRNN_DIR"]), in which there is none")
    throw(ErrorException("""
        FlashRNN cannot open its library: $(join(reasons, "; ")).
        Set the environment variable FLASHRNN_LIBRARY to the file libflashrnn.so, or FLASHRNN_DIR to the prefix that it is
        installed in, or install it where the system's loader looks."""))
end

function symbol(index::Int)
    pointer = @inbounds SYMBOLS[index]
    return pointer == C_NULL ? load_symbol(index) : pointer
end

function load_symbol(index)
    lock(LIBRARY_LOCK) do
        library = open_library() # counted by the loader, and never closed
        SYMBOLS[index] = dlsym(library, SYMBOL_NAMES[index])
    end
end
