// SPDX-License-Identifier: Apache-2.0
use crate::cell::CellInfo;
use crate::device::Device;
use crate::error::{check, describe, Error, Result};
use crate::memory::Buffer;
use crate::problem::Problem;
use flashrnn_sys as sys;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Extents of every tensor's axes, in the order of the arguments of the same names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the arguments of those names are
pub struct Shapes {
    /// `[B, T, Gi, N, D]`
    pub wx: [usize; 5],
    /// `[Gr, N, D, D]`, the last axis that of h(t-1)
    pub r: [usize; 4],
    /// `[Gb, N, D]`
    pub bias: [usize; 3],
    /// `[B, T, N, D]`
    pub h: [usize; 4],
    /// `[S, B, T, N, D]`
    pub states: [usize; 5],
    /// `[S, B, N, D]`: initial states, last states, and those of a step
    pub last_states: [usize; 4],
    /// `[B]`
    pub lengths: [usize; 1],
    /// `[T, B]`
    pub resets: [usize; 2],
    /// `[B, Gi, N, D]`: wx of a step
    pub step_wx: [usize; 4],
    /// `[B, N, D]`: h of a step
    pub step_h: [usize; 3],
}

/// Bytes of the memory that runs need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Workspace of forward.
    pub forward_workspace: usize,
    /// Workspace of backward; 0 in inference mode.
    pub backward_workspace: usize,
    /// Workspace of a step.
    pub step_workspace: usize,
    /// What forward keeps for backward; 0 where nothing is.
    pub saved: usize,
    /// Alignment of all of them.
    pub alignment: usize,
}

/// Scratch memory of a plan's runs, one at a time. It keeps the packed weights for `weights_unchanged`.
#[derive(Debug)]
pub struct Workspace {
    pub(crate) forward: Buffer<u8>,
    pub(crate) backward: Buffer<u8>,
    pub(crate) step: Buffer<u8>,
}

/// What a forward run keeps for backward runs of the same plan.
#[derive(Debug)]
pub struct Saved {
    pub(crate) buffer: Buffer<u8>,
    /// The plan that it is for, and whether a forward run has filled it.
    pub(crate) plan: u64,
    pub(crate) filled: bool,
}

/// Everything decided for one [`Problem`] on one [`Device`]: kernel, tiles, memory. Immutable; any number of threads may run
/// it at once, each with its own [`Workspace`].
pub struct Plan {
    raw: sys::flashrnn_plan,
    id: u64,
    device: Device,
    cell: CellInfo,
    shapes: Shapes,
    sizes: Sizes,
}

// SAFETY: "devices and plans may be used from any number of threads at once".
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Plan {
    /// Decides; an error says which value breaks which rule.
    pub fn new(device: &Device, problem: &Problem) -> Result<Plan> {
        let cell = problem.cell.info()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the struct and its texts live during the call; `raw` is written on success.
        check(problem.with_raw(|p| unsafe { sys::flashrnn_plan_create(device.as_raw(), p, &mut raw) })?)?;
        let (b, t, n, d) = (problem.batch, problem.time, problem.heads, problem.head_dim);
        let (s, gi, gr, gb) =
            (cell.states.len(), cell.input_gates.len(), cell.recurrent_gates.len(), cell.bias_gates.len());
        let shapes = Shapes {
            wx: [b, t, gi, n, d],
            r: [gr, n, d, d],
            bias: [gb, n, d],
            h: [b, t, n, d],
            states: [s, b, t, n, d],
            last_states: [s, b, n, d],
            lengths: [b],
            resets: [t, b],
            step_wx: [b, gi, n, d],
            step_h: [b, n, d],
        };
        let sizes =
            Sizes { forward_workspace: 0, backward_workspace: 0, step_workspace: 0, saved: 0, alignment: 1 };
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let mut plan = Plan { raw, id, device: device.clone(), cell, shapes, sizes };
        let mut c = sys::flashrnn_plan_sizes::default();
        // SAFETY: the plan is open; struct_size is set.
        check(unsafe { sys::flashrnn_plan_get_sizes(plan.raw, &mut c) })?;
        plan.sizes = Sizes {
            forward_workspace: c.forward_workspace,
            backward_workspace: c.backward_workspace,
            step_workspace: c.step_workspace,
            saved: c.saved,
            alignment: c.alignment,
        };
        Ok(plan)
    }

    /// The device it is for.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Its cell's gates and states.
    pub fn cell(&self) -> &CellInfo {
        &self.cell
    }

    /// The extents of every tensor.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// How much memory runs need.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// JSON: problem, kernel, configuration, predicted time, and what was refused and why.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: `describe` keeps to the rules of a text.
        describe(|t, n, l| unsafe { sys::flashrnn_plan_describe(self.raw, t, n, l) })
    }

    /// Scratch memory for all kinds of runs, allocated here so that running allocates nothing.
    pub fn workspace(&self) -> Result<Workspace> {
        Ok(Workspace {
            forward: Buffer::uninit(&self.device, self.sizes.forward_workspace)?,
            backward: Buffer::uninit(&self.device, self.sizes.backward_workspace)?,
            step: Buffer::uninit(&self.device, self.sizes.step_workspace)?,
        })
    }

    /// Memory for what one forward run keeps for its backward runs.
    pub fn saved(&self) -> Result<Saved> {
        Ok(Saved { buffer: Buffer::uninit(&self.device, self.sizes.saved)?, plan: self.id, filled: false })
    }

    pub(crate) fn require_own(&self, saved: &Saved) -> Result<()> {
        if saved.plan == self.id {
            return Ok(());
        }
        Err(Error::InvalidArgument("saved: is of another plan: must be made by this plan's saved()".into()))
    }

    /// The C handle, which this object keeps owning.
    pub fn as_raw(&self) -> sys::flashrnn_plan {
        self.raw
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: open, and closed here only.
        unsafe { sys::flashrnn_plan_close(self.raw) };
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("device", &self.device)
            .field("cell", &self.cell.name)
            .field("h", &self.shapes.h)
            .finish_non_exhaustive()
    }
}
