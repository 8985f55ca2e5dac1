// SPDX-License-Identifier: Apache-2.0
use crate::error::{check, text, Error, Result};
use flashrnn_sys as sys;
use std::fmt;
use std::str::FromStr;

/// A cell of the library. Cells that a newer library has and this crate has no constant for are reached by name:
/// `"lstm".parse::<Cell>()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(i32);

/// How many gates and states a cell has, and their names in the order of the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellInfo {
    /// "lstm", ...
    pub name: String,
    /// Names of the input gates: Gi of them.
    pub input_gates: Vec<String>,
    /// Names of the recurrent gates: Gr of them.
    pub recurrent_gates: Vec<String>,
    /// Names of the biases: Gb of them.
    pub bias_gates: Vec<String>,
    /// Names of the states: S of them, the first of which is h.
    pub states: Vec<String>,
}

impl Cell {
    /// Gates i f z o; states h c.
    pub const LSTM: Cell = Cell(sys::FLASHRNN_LSTM);
    /// Input gates r u n, recurrent gates r u g, biases r u n g; state h.
    pub const GRU: Cell = Cell(sys::FLASHRNN_GRU);
    /// h = tanh(g).
    pub const ELMAN: Cell = Cell(sys::FLASHRNN_ELMAN);
    /// Gates i f z o; states h c n m.
    pub const SLSTM: Cell = Cell(sys::FLASHRNN_SLSTM);
    /// h = max(g, 0).
    pub const ELMAN_RELU: Cell = Cell(sys::FLASHRNN_ELMAN_RELU);
    /// Gates u n; state h.
    pub const LIGHT_GRU: Cell = Cell(sys::FLASHRNN_LIGHT_GRU);

    /// Every cell of the library.
    pub fn all() -> Result<Vec<Cell>> {
        let mut count = 0;
        // SAFETY: null with capacity 0 asks for the count.
        check(unsafe { sys::flashrnn_list_cells(std::ptr::null_mut(), 0, &mut count) })?;
        let mut values = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: `values` has `count` elements.
        check(unsafe { sys::flashrnn_list_cells(values.as_mut_ptr(), count, &mut count) })?;
        Ok(values.into_iter().map(Cell).collect())
    }

    /// Its gates and states.
    pub fn info(self) -> Result<CellInfo> {
        let mut info = sys::flashrnn_cell_info::default();
        // SAFETY: struct_size is set.
        check(unsafe { sys::flashrnn_get_cell_info(self.0, &mut info) })?;
        // SAFETY: static texts of the library.
        let words = |names| unsafe { text(names) }.split_whitespace().map(String::from).collect();
        Ok(CellInfo {
            // SAFETY: as above.
            name: unsafe { text(info.name) },
            input_gates: words(info.input_gate_names),
            recurrent_gates: words(info.recurrent_gate_names),
            bias_gates: words(info.bias_gate_names),
            states: words(info.state_names),
        })
    }

    /// The value of `flashrnn.h`.
    pub fn as_raw(self) -> i32 {
        self.0
    }

    /// A cell by its value of `flashrnn.h`; an error where the library has none of that value.
    pub fn from_raw(value: i32) -> Result<Cell> {
        Cell(value).info().map(|_| Cell(value))
    }
}

impl FromStr for Cell {
    type Err = Error;

    fn from_str(name: &str) -> Result<Cell> {
        let mut known = Vec::new();
        for cell in Cell::all()? {
            let candidate = cell.info()?.name;
            if candidate == name {
                return Ok(cell);
            }
            known.push(candidate);
        }
        Err(Error::InvalidArgument(format!("cell {name:?}: must be one of {}", known.join(", "))))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Ok(info) => f.write_str(&info.name),
            Err(_) => write!(f, "cell {}", self.0),
        }
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cell({self})")
    }
}
