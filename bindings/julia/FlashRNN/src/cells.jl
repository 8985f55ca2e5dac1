# SPDX-License-Identifier: Apache-2.0
"""
    cell_info(:lstm)

Names of a cell's gates and states, in the order of their axes: `(name, input_gates, recurrent_gates, bias_gates, states)`.
"""
cell_info(cell::Symbol) = raw_cell_info(cell_value(cell))

function raw_cell_info(value::Integer)
    info = Ref(flashrnn_cell_info())
    check(flashrnn_get_cell_info(value, info))
    words(names) = Symbol.(split(unsafe_string(names)))
    return (
        name = Symbol(unsafe_string(info[].name)),
        input_gates = words(info[].input_gate_names),
        recurrent_gates = words(info[].recurrent_gate_names),
        bias_gates = words(info[].bias_gate_names),
        states = words(info[].state_names),
    )
end

function cell_values()
    count = Ref{Int32}(0)
    check(flashrnn_list_cells(C_NULL, 0, count))
    values = Vector{flashrnn_cell}(undef, count[])
    check(flashrnn_list_cells(values, length(values), count))
    return values
end

"Names of the library's cells: `[:lstm, :gru, ...]`."
cells() = [raw_cell_info(value).name for value in cell_values()]

function cell_value(cell::Symbol)
    for value in cell_values()
        raw_cell_info(value).name === cell && return value
    end
    throw(ArgumentError("cell is :$cell: must be one of $(join(repr.(cells()), ", "))"))
end
