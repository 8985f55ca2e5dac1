// SPDX-License-Identifier: Apache-2.0
//! The C ABI of FlashRNN: every constant, struct and function of `flashrnn.h`, generated from it. What they mean, who
//! owns what and what may alias is said there; the crate `flashrnn` is a safe layer over this one.
//!
//! The library is found by `FLASHRNN_LIB_DIR` (the folder of `libflashrnn.so`), `FLASHRNN_DIR` (an installation's
//! prefix) or pkg-config. `Default` of a struct is zero with `struct_size` set.
#![no_std]
#![allow(non_camel_case_types)]
#![allow(missing_docs)] // the header documents what needs it

#[rustfmt::skip] // as its generator writes it
mod declarations;
pub use declarations::*;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_that_is_linked_has_the_version_declared_here() {
        // SAFETY: no arguments.
        let version = unsafe { flashrnn_version() };
        let declared =
            FLASHRNN_VERSION_MAJOR * 1_000_000 + FLASHRNN_VERSION_MINOR * 1000 + FLASHRNN_VERSION_PATCH;
        assert_eq!(version, declared);
    }

    #[test]
    fn defaults_are_zero_but_for_the_size() {
        let args = flashrnn_forward_args::default();
        assert_eq!(args.struct_size, core::mem::size_of::<flashrnn_forward_args>());
        assert!(args.workspace.is_null() && args.wx.data.is_null() && args.run_flags == 0);
    }
}
