// SPDX-License-Identifier: Apache-2.0
use crate::half::{Bf16, F16};
use flashrnn_sys as sys;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// `f32`
    Float32,
    /// [`Bf16`]
    Bfloat16,
    /// [`F16`]
    Float16,
    /// `f64`, on the CPU only
    Float64,
    /// `u8`: reset masks
    Uint8,
    /// `i32`: lengths
    Int32,
    /// `i64`: lengths
    Int64,
}

impl Dtype {
    /// The value of `flashrnn.h`.
    pub fn as_raw(self) -> i32 {
        match self {
            Dtype::Float32 => sys::FLASHRNN_FLOAT32,
            Dtype::Bfloat16 => sys::FLASHRNN_BFLOAT16,
            Dtype::Float16 => sys::FLASHRNN_FLOAT16,
            Dtype::Float64 => sys::FLASHRNN_FLOAT64,
            Dtype::Uint8 => sys::FLASHRNN_UINT8,
            Dtype::Int32 => sys::FLASHRNN_INT32,
            Dtype::Int64 => sys::FLASHRNN_INT64,
        }
    }

    /// By its value of `flashrnn.h`.
    pub fn from_raw(value: i32) -> Option<Dtype> {
        use Dtype::*;
        [Float32, Bfloat16, Float16, Float64, Uint8, Int32, Int64]
            .into_iter()
            .find(|dtype| dtype.as_raw() == value)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::Uint8 => 1,
            Dtype::Bfloat16 | Dtype::Float16 => 2,
            Dtype::Float32 | Dtype::Int32 => 4,
            Dtype::Float64 | Dtype::Int64 => 8,
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that tensors are made of: plain data of which every pattern of bits is a value.
pub trait Element: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// Its name in the library.
    const DTYPE: Dtype;
}

/// An [`Element`] that weights, inputs, states and gradients are made of.
pub trait Real: Element {
    /// Rounds to the nearest value, to the even one of two.
    fn from_f32(value: f32) -> Self;
    /// Exact, but for `f64`.
    fn to_f32(self) -> f32;
    /// Exact.
    fn to_f64(self) -> f64;
}

macro_rules! element {
    ($($type:ty => $dtype:ident),*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
        }
    )*};
}
element!(f32 => Float32, f64 => Float64, Bf16 => Bfloat16, F16 => Float16, u8 => Uint8, i32 => Int32, i64 => Int64);

impl Real for f32 {
    fn from_f32(value: f32) -> f32 {
        value
    }
    fn to_f32(self) -> f32 {
        self
    }
    fn to_f64(self) -> f64 {
        self.into()
    }
}

impl Real for f64 {
    fn from_f32(value: f32) -> f64 {
        value.into()
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Real for Bf16 {
    fn from_f32(value: f32) -> Bf16 {
        value.into()
    }
    fn to_f32(self) -> f32 {
        self.into()
    }
    fn to_f64(self) -> f64 {
        f64::from(f32::from(self))
    }
}

impl Real for F16 {
    fn from_f32(value: f32) -> F16 {
        value.into()
    }
    fn to_f32(self) -> f32 {
        self.into()
    }
    fn to_f64(self) -> f64 {
        f64::from(f32::from(self))
    }
}
