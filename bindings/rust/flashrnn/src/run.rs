// SPDX-License-Identifier: Apache-2.0
//! The three kinds of run. Each is a builder: `new` takes what must be given, methods the rest.
use crate::error::{check, Error, Result};
use crate::memory::Buffer;
use crate::plan::{Plan, Saved, Workspace};
use crate::stream::{raw, Stream};
use crate::view::{View, ViewMut};
use flashrnn_sys as sys;

type Input<'a, const RANK: usize> = Option<View<'a, RANK>>;
type Output<'a, const RANK: usize> = Option<ViewMut<'a, RANK>>;

macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident: $rank:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, tensor: impl Into<View<'a, $rank>>) -> Self {
            self.$name = Some(tensor.into());
            self
        }
    )*};
}

macro_rules! outputs {
    ($($(#[$doc:meta])* $name:ident: $rank:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, tensor: impl Into<ViewMut<'a, $rank>>) -> Self {
            self.$name = Some(tensor.into());
            self
        }
    )*};
}

/// What every run may be told.
macro_rules! shared {
    () => {
        /// The stream to run on; without it the device's default stream.
        pub fn stream(mut self, stream: &'a Stream) -> Self {
            self.stream = Some(stream);
            self
        }

        /// r and bias hold the same values as in the last run of this plan and kind with this workspace: their packing is
        /// skipped.
        pub fn weights_unchanged(mut self) -> Self {
            self.weights_unchanged = true;
            self
        }
    };
}

/// Fills tensors of the C struct from the fields of the same names.
macro_rules! fill {
    ($args:ident, $run:ident, $plan:ident, $($name:ident: $shape:ident),* $(,)?) => {$(
        if let Some(tensor) = &$run.$name {
            $args.$name = tensor.checked(stringify!($name), $plan.shapes().$shape, $plan.device())?;
        }
    )*};
}

fn flags(weights_unchanged: bool) -> u32 {
    if weights_unchanged {
        sys::FLASHRNN_RUN_WEIGHTS_UNCHANGED
    } else {
        0
    }
}

/// The arguments of [`Plan::forward`].
#[derive(Debug)]
#[must_use]
pub struct Forward<'a> {
    wx: Input<'a, 5>,
    r: Input<'a, 4>,
    bias: Input<'a, 3>,
    initial_states: Input<'a, 4>,
    lengths: Input<'a, 1>,
    resets: Input<'a, 2>,
    h: Output<'a, 4>,
    states: Output<'a, 5>,
    last_states: Output<'a, 4>,
    saved: Option<&'a mut Saved>,
    stream: Option<&'a Stream>,
    weights_unchanged: bool,
}

impl<'a> Forward<'a> {
    /// The input projections `[B, T, Gi, N, D]` and the recurrent weights `[Gr, N, D, D]`, the last axis that of h(t-1).
    pub fn new(wx: impl Into<View<'a, 5>>, r: impl Into<View<'a, 4>>) -> Self {
        Forward {
            wx: Some(wx.into()),
            r: Some(r.into()),
            bias: None,
            initial_states: None,
            lengths: None,
            resets: None,
            h: None,
            states: None,
            last_states: None,
            saved: None,
            stream: None,
            weights_unchanged: false,
        }
    }

    inputs! {
        /// `[Gb, N, D]`; absent: zero.
        bias: 3;
        /// `[S, B, N, D]`; absent: zero.
        initial_states: 4;
        /// `[B]`, `i32` or `i64`, with [`Problem::lengths`](crate::Problem::lengths) only.
        lengths: 1;
        /// `[T, B]`, `u8`, with [`Problem::resets`](crate::Problem::resets) only. Not zero: the step starts from the initial
        /// states.
        resets: 2;
    }
    outputs! {
        /// `[B, T, N, D]`; optional in inference mode only.
        h: 4;
        /// `[S, B, T, N, D]`: every state after every step.
        states: 5;
        /// `[S, B, N, D]`.
        last_states: 4;
    }
    shared!();

    /// Initial states, which the last states overwrite: `[S, B, N, D]`.
    pub fn states_in_place(mut self, states: impl Into<ViewMut<'a, 4>>) -> Self {
        let states = states.into();
        self.initial_states = Some(states.as_input());
        self.last_states = Some(states);
        self
    }

    /// What backward needs: required unless [`Sizes::saved`](crate::Sizes::saved) is 0.
    pub fn saved(mut self, saved: &'a mut Saved) -> Self {
        self.saved = Some(saved);
        self
    }
}

/// The arguments of [`Plan::backward`]. Every input is what forward got or gave; a gradient that is not given is zero, one
/// that is not asked for is not computed. Outputs are overwritten, not added to.
#[derive(Debug)]
#[must_use]
pub struct Backward<'a> {
    wx: Input<'a, 5>,
    r: Input<'a, 4>,
    bias: Input<'a, 3>,
    initial_states: Input<'a, 4>,
    lengths: Input<'a, 1>,
    resets: Input<'a, 2>,
    h: Input<'a, 4>,
    d_h: Input<'a, 4>,
    d_states: Input<'a, 5>,
    d_last_states: Input<'a, 4>,
    d_wx: Output<'a, 5>,
    d_r: Output<'a, 4>,
    d_bias: Output<'a, 3>,
    d_initial_states: Output<'a, 4>,
    saved: Option<&'a Saved>,
    stream: Option<&'a Stream>,
    weights_unchanged: bool,
}

impl<'a> Backward<'a> {
    /// Forward's recurrent weights `[Gr, N, D, D]` and its output h `[B, T, N, D]`.
    pub fn new(r: impl Into<View<'a, 4>>, h: impl Into<View<'a, 4>>) -> Self {
        Backward {
            wx: None,
            r: Some(r.into()),
            bias: None,
            initial_states: None,
            lengths: None,
            resets: None,
            h: Some(h.into()),
            d_h: None,
            d_states: None,
            d_last_states: None,
            d_wx: None,
            d_r: None,
            d_bias: None,
            d_initial_states: None,
            saved: None,
            stream: None,
            weights_unchanged: false,
        }
    }

    inputs! {
        /// As in forward; in recompute mode only, and required there.
        wx: 5;
        /// As in forward; in recompute mode only.
        bias: 3;
        /// As in forward.
        initial_states: 4;
        /// As in forward.
        lengths: 1;
        /// As in forward.
        resets: 2;
        /// Gradient of h, `[B, T, N, D]`.
        d_h: 4;
        /// Gradient of the states, `[S, B, T, N, D]`; adds to `d_h` where both are given.
        d_states: 5;
        /// Gradient of the last states, `[S, B, N, D]`.
        d_last_states: 4;
    }
    outputs! {
        /// `[B, T, Gi, N, D]`.
        d_wx: 5;
        /// `[Gr, N, D, D]`.
        d_r: 4;
        /// `[Gb, N, D]`.
        d_bias: 3;
        /// `[S, B, N, D]`.
        d_initial_states: 4;
    }
    shared!();

    /// What forward has kept: required unless [`Sizes::saved`](crate::Sizes::saved) is 0.
    pub fn saved(mut self, saved: &'a Saved) -> Self {
        self.saved = Some(saved);
        self
    }
}

/// The arguments of [`Plan::step`].
#[derive(Debug)]
#[must_use]
pub struct Step<'a> {
    wx: Input<'a, 4>,
    r: Input<'a, 4>,
    bias: Input<'a, 3>,
    states: Input<'a, 4>,
    new_states: Output<'a, 4>,
    h: Output<'a, 3>,
    stream: Option<&'a Stream>,
    weights_unchanged: bool,
}

impl<'a> Step<'a> {
    /// The step's input projections `[B, Gi, N, D]` and the recurrent weights `[Gr, N, D, D]`.
    pub fn new(wx: impl Into<View<'a, 4>>, r: impl Into<View<'a, 4>>) -> Self {
        Step {
            wx: Some(wx.into()),
            r: Some(r.into()),
            bias: None,
            states: None,
            new_states: None,
            h: None,
            stream: None,
            weights_unchanged: false,
        }
    }

    inputs! {
        /// `[Gb, N, D]`; absent: zero.
        bias: 3;
        /// `[S, B, N, D]`, the states before; absent: zero.
        states: 4;
    }
    outputs! {
        /// `[S, B, N, D]`, the states after; required.
        new_states: 4;
        /// `[B, N, D]`.
        h: 3;
    }
    shared!();

    /// States `[S, B, N, D]`, which the step replaces by those after it.
    pub fn states_in_place(mut self, states: impl Into<ViewMut<'a, 4>>) -> Self {
        let states = states.into();
        self.states = Some(states.as_input());
        self.new_states = Some(states);
        self
    }
}

impl Plan {
    fn workspace_of(&self, buffer: &Buffer<u8>) -> Result<(*mut std::ffi::c_void, usize)> {
        self.device().require_same(buffer.device(), "workspace")?;
        Ok((buffer.as_raw(), buffer.len()))
    }

    /// All steps. On a GPU it returns before they are done, and what was given must not be changed until the stream has
    /// come to it.
    pub fn forward(&self, run: Forward<'_>, workspace: &mut Workspace) -> Result<()> {
        let mut args = sys::flashrnn_forward_args::default();
        fill!(args, run, self, wx: wx, r: r, bias: bias, initial_states: last_states, lengths: lengths, resets: resets,
              h: h, states: states, last_states: last_states);
        (args.workspace, args.workspace_size) = self.workspace_of(&workspace.forward)?;
        if let Some(saved) = &run.saved {
            self.require_own(saved)?;
            (args.saved, args.saved_size) = (saved.buffer.as_raw(), saved.buffer.len());
        }
        args.stream = raw(run.stream);
        args.run_flags = flags(run.weights_unchanged);
        // SAFETY: every tensor was checked to lie in memory that `run` borrows, or is promised by from_raw.
        check(unsafe { sys::flashrnn_forward(self.as_raw(), &args) })?;
        if let Some(saved) = run.saved {
            saved.filled = true;
        }
        Ok(())
    }

    /// The gradients of a forward run of this plan; may be repeated.
    pub fn backward(&self, run: Backward<'_>, workspace: &mut Workspace) -> Result<()> {
        let mut args = sys::flashrnn_backward_args::default();
        fill!(args, run, self, wx: wx, r: r, bias: bias, initial_states: last_states, lengths: lengths, resets: resets,
              h: h, d_h: h, d_states: states, d_last_states: last_states, d_wx: wx, d_r: r, d_bias: bias,
              d_initial_states: last_states);
        (args.workspace, args.workspace_size) = self.workspace_of(&workspace.backward)?;
        if let Some(saved) = run.saved {
            self.require_own(saved)?;
            if !saved.filled {
                return Err(Error::InvalidArgument(
                    "saved: is empty: a forward run must have filled it".into(),
                ));
            }
            (args.saved, args.saved_size) = (saved.buffer.as_raw(), saved.buffer.len());
        }
        args.stream = raw(run.stream);
        args.run_flags = flags(run.weights_unchanged);
        // SAFETY: as in forward.
        check(unsafe { sys::flashrnn_backward(self.as_raw(), &args) })
    }

    /// One step, whatever the plan's time; reverse, lengths and resets have no meaning here.
    pub fn step(&self, run: Step<'_>, workspace: &mut Workspace) -> Result<()> {
        let mut args = sys::flashrnn_step_args::default();
        fill!(args, run, self, wx: step_wx, r: r, bias: bias, states: last_states, new_states: last_states, h: step_h);
        (args.workspace, args.workspace_size) = self.workspace_of(&workspace.step)?;
        args.stream = raw(run.stream);
        args.run_flags = flags(run.weights_unchanged);
        // SAFETY: as in forward.
        check(unsafe { sys::flashrnn_step(self.as_raw(), &args) })
    }
}
