// SPDX-License-Identifier: Apache-2.0
//! Fused multi-head recurrent networks: LSTM, GRU, Elman, sLSTM and Light GRU, forward and backward, the whole sequence in
//! one call. A safe layer over the C ABI of FlashRNN.
//!
//! Make a [`Plan`] once from a [`Problem`] and a [`Device`], then run it: [`Plan::forward`], [`Plan::backward`],
//! [`Plan::step`].
//!
//! ```
//! use flashrnn::{Backward, Cell, Device, Forward, Problem};
//!
//! let device = Device::cpu()?;
//! let plan = Problem::new(Cell::LSTM).batch(2).time(3).heads(2, 4).plan(&device)?;
//! let (mut workspace, mut saved) = (plan.workspace()?, plan.saved()?);
//!
//! let wx = vec![0.1f32; 2 * 3 * 4 * 2 * 4]; // [B, T, 4 gates, N, D]: the inputs times W, which is the caller's affair
//! let r = vec![0.2f32; 4 * 2 * 4 * 4]; //      [4 gates, N, D, D]
//! let mut h = vec![0f32; 2 * 3 * 2 * 4]; //    [B, T, N, D]
//! plan.forward(Forward::new(&wx, &r).h(&mut h).saved(&mut saved), &mut workspace)?;
//!
//! let d_h = vec![1f32; h.len()]; // the gradient of the sum of h
//! let mut d_r = vec![0f32; r.len()];
//! plan.backward(Backward::new(&r, &h).d_h(&d_h).d_r(&mut d_r).saved(&saved), &mut workspace)?;
//! # assert!(h.iter().all(|h| *h > 0.0) && d_r.iter().any(|d| *d != 0.0));
//! # Ok::<(), flashrnn::Error>(())
//! ```
//!
//! # Axes
//!
//! B batch, T time, G gates, N heads, D head dimension, S states. A cell reads Gi input gates, Gr recurrent gates and Gb
//! biases ([`Cell::info`]); state 0 is always h. Ranks are in the types: [`View<5>`](View) has five axes.
//! [`Plan::shapes`] has all extents. A slice of another length is an error, with the shape in its message.
//!
//! # Devices other than the CPU
//!
//! Slices go to the CPU only. Elsewhere tensors are [`Buffer`]s, in the device's memory:
//!
//! ```
//! # use flashrnn::{Backend, Cell, Device, Forward, Problem};
//! let device = Device::open(Backend::Cuda, 0).or_else(|_| Device::cpu())?;
//! let plan = Problem::new(Cell::GRU).batch(2).time(3).heads(2, 4).plan(&device)?;
//! let (mut workspace, mut saved) = (plan.workspace()?, plan.saved()?);
//!
//! let wx = device.upload(&vec![0.1f32; plan.shapes().wx.iter().product()])?;
//! let r = device.upload(&vec![0.2f32; plan.shapes().r.iter().product()])?;
//! let mut h = device.zeros::<f32>(plan.shapes().h.iter().product())?;
//! plan.forward(Forward::new(&wx, &r).h(&mut h).saved(&mut saved), &mut workspace)?;
//! assert!(h.download()?.iter().all(|h| *h > 0.0)); // waits for the run
//! # Ok::<(), flashrnn::Error>(())
//! ```
//!
//! [`View::from_raw`] and [`ViewMut::from_raw`] take another library's memory by its address on the device, and
//! [`Stream::wrap`] its stream. Runs return early: copies of a `Buffer` wait for the device's default stream, other
//! streams are waited for with [`Stream::synchronize`].
//!
//! # Errors and threads
//!
//! Every check comes before anything is written; [`Error`] has the library's message. [`Device`], [`Plan`], [`PlanCache`]
//! and [`Buffer`] are `Send` and `Sync`; [`Stream`] and [`Event`] are `Send`.

mod cache;
mod cell;
mod device;
mod dtype;
mod error;
mod half;
mod log;
mod memory;
mod plan;
mod problem;
mod run;
mod stream;
mod view;

pub use cache::PlanCache;
pub use cell::{Cell, CellInfo};
pub use device::{Backend, Device, DeviceInfo};
pub use dtype::{Dtype, Element, Real};
pub use error::{Error, Result};
pub use half::{Bf16, F16};
pub use log::{clear_logger, set_logger, LogLevel};
pub use memory::Buffer;
pub use plan::{Plan, Saved, Shapes, Sizes, Workspace};
pub use problem::{Mode, Problem};
pub use run::{Backward, Forward, Step};
pub use stream::{Event, Stream};
pub use view::{View, ViewMut};

/// The C declarations, for what this crate does not cover.
pub use flashrnn_sys as sys;

/// The library's version as (major, minor, patch).
pub fn version() -> (i32, i32, i32) {
    // SAFETY: no arguments.
    let version = unsafe { sys::flashrnn_version() };
    (version / 1_000_000, version / 1000 % 1000, version % 1000)
}

/// Whether the library has that feature: a backend ("cpu", ...), a cell ("lstm", ...), "recompute", "lengths", "resets",
/// "step", "threads".
pub fn has_feature(name: &str) -> bool {
    // SAFETY: a text that ends with a zero.
    std::ffi::CString::new(name).is_ok_and(|name| unsafe { sys::flashrnn_has_feature(name.as_ptr()) } != 0)
}
