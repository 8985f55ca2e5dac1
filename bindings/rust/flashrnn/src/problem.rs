// SPDX-License-Identifier: Apache-2.0
use crate::cell::Cell;
use crate::device::Device;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::plan::Plan;
use flashrnn_sys as sys;
use std::ffi::CString;
use std::path::PathBuf;

/// What forward keeps for backward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Gates and states, in saved memory: the fastest backward.
    #[default]
    Training,
    /// Nothing but h; backward rebuilds the gates.
    Recompute,
    /// Nothing; no backward.
    Inference,
}

/// What a [`Plan`] is made for. What is not set has its default: batch, time and heads of 1, `f32`, training, no option.
///
/// ```
/// use flashrnn::{Cell, Device, Dtype, Mode, Problem};
///
/// let problem = Problem::new(Cell::SLSTM).batch(8).time(100).heads(4, 64);
/// let plan = problem.clone().lengths().recurrent_gradient_clip(1.0).plan(&Device::cpu()?)?;
/// assert_eq!(plan.shapes().h, [8, 100, 4, 64]);
///
/// let half = problem.dtypes(Dtype::Bfloat16, Dtype::Float32, Dtype::Float32).mode(Mode::Inference);
/// assert_eq!(half.plan(&Device::cpu()?)?.sizes().saved, 0);
/// # Ok::<(), flashrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Problem {
    pub(crate) cell: Cell,
    pub(crate) mode: Mode,
    pub(crate) batch: usize,
    pub(crate) time: usize,
    pub(crate) heads: usize,
    pub(crate) head_dim: usize,
    dtypes: Option<(Dtype, Dtype, Dtype)>,
    flags: u32,
    // As bits, so that a problem can be the key of a map.
    forward_clip: u64,
    recurrent_gradient_clip: u64,
    threads: i32,
    config: String,
    model_path: PathBuf,
}

impl Problem {
    /// A problem of that cell.
    pub fn new(cell: Cell) -> Problem {
        Problem {
            cell,
            mode: Mode::Training,
            batch: 1,
            time: 1,
            heads: 1,
            head_dim: 1,
            dtypes: None,
            flags: 0,
            forward_clip: 0f64.to_bits(),
            recurrent_gradient_clip: 0f64.to_bits(),
            threads: 0,
            config: String::new(),
            model_path: PathBuf::new(),
        }
    }

    /// B, 1 at least.
    pub fn batch(mut self, batch: usize) -> Problem {
        self.batch = batch;
        self
    }

    /// T, which may be 0.
    pub fn time(mut self, time: usize) -> Problem {
        self.time = time;
        self
    }

    /// N heads of dimension D, each 1 at least.
    pub fn heads(mut self, count: usize, dim: usize) -> Problem {
        self.heads = count;
        self.head_dim = dim;
        self
    }

    /// What forward keeps for backward.
    pub fn mode(mut self, mode: Mode) -> Problem {
        self.mode = mode;
        self
    }

    /// One dtype for all tensors.
    pub fn dtype(self, dtype: Dtype) -> Problem {
        self.dtypes(dtype, dtype, dtype)
    }

    /// Dtypes of wx, h, states and their gradients; of r, bias and theirs; of initial and last states and theirs.
    pub fn dtypes(mut self, tensors: Dtype, weights: Dtype, states: Dtype) -> Problem {
        self.dtypes = Some((tensors, weights, states));
        self
    }

    fn flag(mut self, flag: u32) -> Problem {
        self.flags |= flag;
        self
    }

    /// Time runs from T - 1 down to 0.
    pub fn reverse(self) -> Problem {
        self.flag(sys::FLASHRNN_REVERSE)
    }

    /// Runs take the length of each sequence.
    pub fn lengths(self) -> Problem {
        self.flag(sys::FLASHRNN_LENGTHS)
    }

    /// Runs take a mask of the steps that start from the initial states again.
    pub fn resets(self) -> Problem {
        self.flag(sys::FLASHRNN_RESETS)
    }

    /// Backward drops the gradient that reaches h(t-1) through R.
    pub fn cut_recurrent_gradient(self) -> Problem {
        self.flag(sys::FLASHRNN_CUT_RECURRENT_GRADIENT)
    }

    /// `f32` products may use TF32 tensor cores.
    pub fn allow_tf32(self) -> Problem {
        self.flag(sys::FLASHRNN_ALLOW_TF32)
    }

    /// h is clamped to [-value, value] after every step; 0: not.
    pub fn forward_clip(mut self, value: f64) -> Problem {
        self.forward_clip = value.to_bits();
        self
    }

    /// The gradient that h(t) receives from step t + 1 is clamped to [-value, value]; 0: not.
    pub fn recurrent_gradient_clip(mut self, value: f64) -> Problem {
        self.recurrent_gradient_clip = value.to_bits();
        self
    }

    /// CPU: at most this many threads; 0: as many as the device has.
    pub fn threads(mut self, count: i32) -> Problem {
        self.threads = count;
        self
    }

    /// Forces the configuration, or a part of it, instead of choosing it: `name=value` pairs separated by commas.
    pub fn config(mut self, config: impl Into<String>) -> Problem {
        self.config = config.into();
        self
    }

    /// A ConstrINT model that replaces the shipped one.
    pub fn model_path(mut self, path: impl Into<PathBuf>) -> Problem {
        self.model_path = path.into();
        self
    }

    /// The same as [`Plan::new`].
    pub fn plan(&self, device: &Device) -> Result<Plan> {
        Plan::new(device, self)
    }

    /// Calls `f` with the C struct, whose texts live as long as that call.
    pub(crate) fn with_raw<R>(&self, f: impl FnOnce(&sys::flashrnn_problem) -> R) -> Result<R> {
        let text = |name: &str, value: &str| {
            CString::new(value).map_err(|_| {
                Error::InvalidArgument(format!("problem.{name} is {value:?}: must have no zero byte"))
            })
        };
        let path = self.model_path.to_str().ok_or_else(|| {
            Error::InvalidArgument(format!("problem.model_path is {:?}: must be UTF-8", self.model_path))
        })?;
        let (config, model_path) = (text("config", &self.config)?, text("model_path", path)?);
        let or_null = |t: &CString| if t.is_empty() { std::ptr::null() } else { t.as_ptr() };
        // What does not fit is refused by the library, as too large.
        let size = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let (dtype, weight_dtype, state_dtype) =
            self.dtypes.map_or((0, 0, 0), |(t, w, s)| (t.as_raw(), w.as_raw(), s.as_raw()));
        Ok(f(&sys::flashrnn_problem {
            cell: self.cell.as_raw(),
            mode: match self.mode {
                Mode::Training => sys::FLASHRNN_MODE_TRAINING,
                Mode::Recompute => sys::FLASHRNN_MODE_RECOMPUTE,
                Mode::Inference => sys::FLASHRNN_MODE_INFERENCE,
            },
            batch: size(self.batch),
            time: size(self.time),
            heads: size(self.heads),
            head_dim: size(self.head_dim),
            dtype,
            weight_dtype,
            state_dtype,
            flags: self.flags,
            forward_clip: f64::from_bits(self.forward_clip),
            recurrent_gradient_clip: f64::from_bits(self.recurrent_gradient_clip),
            threads: self.threads,
            config: or_null(&config),
            model_path: or_null(&model_path),
            ..Default::default()
        }))
    }
}
