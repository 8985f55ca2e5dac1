// SPDX-License-Identifier: Apache-2.0
use crate::device::Device;
use crate::dtype::{Dtype, Element};
use crate::error::{Error, Result};
use crate::memory::Buffer;
use flashrnn_sys as sys;
use std::ffi::c_void;
use std::marker::PhantomData;

#[derive(Clone, Copy, Debug)]
enum Place {
    Host,
    Device(i32, i32),
    /// The caller of `from_raw` has promised.
    Promised,
}

/// What [`View`] and [`ViewMut`] share.
#[derive(Clone, Copy, Debug)]
struct Raw<const RANK: usize> {
    data: *mut c_void,
    dtype: Dtype,
    /// Elements behind `data`; not known of a raw address.
    len: Option<usize>,
    offset: usize,
    strides: Option<[i64; RANK]>,
    place: Place,
}

impl<const RANK: usize> Raw<RANK> {
    fn new(data: *mut c_void, dtype: Dtype, len: Option<usize>, place: Place) -> Self {
        Raw { data, dtype, len, offset: 0, strides: None, place }
    }

    /// The C tensor, once the memory is seen to be the device's and the elements to suffice for `shape`.
    fn checked(&self, name: &str, shape: [usize; RANK], device: &Device) -> Result<sys::flashrnn_tensor> {
        let fail = |message: String| Err(Error::InvalidArgument(format!("{name}: {message}")));
        let (backend, ordinal) = device.place();
        let info = device.info();
        match self.place {
            Place::Host if !device.is_host() => {
                return fail(format!(
                    "is a slice of host memory: must be a Buffer of device {} {}",
                    info.backend_name, info.ordinal
                ));
            }
            Place::Device(b, o) if (b, o) != (backend, ordinal) => {
                return fail(format!(
                    "is a Buffer of another device: must be of {} {}",
                    info.backend_name, info.ordinal
                ));
            }
            _ => {}
        }
        let Some(count) = shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
        else {
            return fail(format!("shape {shape:?}: its elements must fit into usize"));
        };
        let packed = self.strides.map_or(true, |strides| strides.iter().all(|&s| s == 0));
        if let Some(len) = self.len {
            let len = len.checked_sub(self.offset).ok_or_else(|| {
                Error::InvalidArgument(format!("{name}: offset is {}: must be at most {len}", self.offset))
            })?;
            if packed && len != count {
                return fail(format!("has {len} elements: shape {shape:?} packed is {count}"));
            }
            if !packed && count > 0 {
                self.require_reach(name, shape, len)?;
            }
        }
        let mut tensor = sys::flashrnn_tensor {
            data: self.data.cast::<u8>().wrapping_add(self.offset * self.dtype.size()).cast(),
            dtype: self.dtype.as_raw(),
            ..Default::default()
        };
        if !packed {
            tensor.stride[..RANK].copy_from_slice(&self.strides.unwrap_or([0; RANK]));
        }
        Ok(tensor)
    }

    fn require_reach(&self, name: &str, shape: [usize; RANK], len: usize) -> Result<()> {
        let (mut low, mut high) = (0i128, 0i128);
        for (extent, stride) in shape.iter().zip(self.strides.unwrap_or([0; RANK])) {
            let reach = (*extent as i128 - 1) * i128::from(stride);
            *(if reach < 0 { &mut low } else { &mut high }) += reach;
        }
        if low + self.offset as i128 >= 0 && high < len as i128 {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!(
            "{name}: shape {shape:?} with strides {:?} reaches from element {} to {}: must lie in 0 to {}",
            self.strides.unwrap_or([0; RANK]),
            low + self.offset as i128,
            high + self.offset as i128,
            (len + self.offset) as i128 - 1
        )))
    }
}

/// A tensor of `RANK` axes that is only read. Made from slices, vectors, arrays and [`Buffer`]s by `into()`, packed in the
/// order of axes that the argument states; [`View::strides`] says otherwise.
///
/// ```
/// use flashrnn::View;
///
/// let time_first = vec![0f32; 3 * 2 * 4 * 5 * 6]; // [T, B, G, N, D] in memory
/// let wx: View<5> = View::from(&time_first).strides([120, 240, 30, 6, 1]); // read as [B, T, G, N, D]
/// # let _ = wx;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct View<'a, const RANK: usize> {
    raw: Raw<RANK>,
    elements: PhantomData<&'a [u8]>,
}

/// A tensor of `RANK` axes that is written. As [`View`], made from what can be borrowed mutably.
#[derive(Debug)]
pub struct ViewMut<'a, const RANK: usize> {
    raw: Raw<RANK>,
    elements: PhantomData<&'a mut [u8]>,
}

impl<'a, const RANK: usize> View<'a, RANK> {
    fn new(raw: Raw<RANK>) -> Self {
        View { raw, elements: PhantomData }
    }

    /// Elements from one index of each axis to the next; 0 broadcasts, and may be negative. All zero: packed.
    pub fn strides(mut self, strides: [i64; RANK]) -> Self {
        self.raw.strides = Some(strides);
        self
    }

    /// Begins at that element instead of the first.
    pub fn offset(mut self, elements: usize) -> Self {
        self.raw.offset = elements;
        self
    }

    /// An application's own memory, by its address on the device.
    ///
    /// # Safety
    /// Every element that the shape and the strides reach can be read, until the run is over.
    pub unsafe fn from_raw(data: *const c_void, dtype: Dtype) -> View<'a, RANK> {
        View::new(Raw::new(data.cast_mut(), dtype, None, Place::Promised))
    }

    pub(crate) fn checked(
        &self,
        name: &str,
        shape: [usize; RANK],
        d: &Device,
    ) -> Result<sys::flashrnn_tensor> {
        self.raw.checked(name, shape, d)
    }
}

impl<'a, const RANK: usize> ViewMut<'a, RANK> {
    fn new(raw: Raw<RANK>) -> Self {
        ViewMut { raw, elements: PhantomData }
    }

    /// As [`View::strides`]; every element must be another one.
    pub fn strides(mut self, strides: [i64; RANK]) -> Self {
        self.raw.strides = Some(strides);
        self
    }

    /// Begins at that element instead of the first.
    pub fn offset(mut self, elements: usize) -> Self {
        self.raw.offset = elements;
        self
    }

    /// An application's own memory, by its address on the device.
    ///
    /// # Safety
    /// Every element that the shape and the strides reach can be written and is used by nobody else, until the run is over.
    pub unsafe fn from_raw(data: *mut c_void, dtype: Dtype) -> ViewMut<'a, RANK> {
        ViewMut::new(Raw::new(data, dtype, None, Place::Promised))
    }

    pub(crate) fn checked(
        &self,
        name: &str,
        shape: [usize; RANK],
        d: &Device,
    ) -> Result<sys::flashrnn_tensor> {
        self.raw.checked(name, shape, d)
    }

    /// The same tensor as an input, for the arguments that the library reads and writes in place.
    pub(crate) fn as_input(&self) -> View<'a, RANK> {
        View::new(self.raw)
    }
}

impl<'a, T: Element, const RANK: usize> From<&'a [T]> for View<'a, RANK> {
    fn from(slice: &'a [T]) -> Self {
        View::new(Raw::new(slice.as_ptr().cast_mut().cast(), T::DTYPE, Some(slice.len()), Place::Host))
    }
}

impl<'a, T: Element, const RANK: usize> From<&'a mut [T]> for ViewMut<'a, RANK> {
    fn from(slice: &'a mut [T]) -> Self {
        ViewMut::new(Raw::new(slice.as_mut_ptr().cast(), T::DTYPE, Some(slice.len()), Place::Host))
    }
}

impl<'a, T: Element, const RANK: usize> From<&'a Vec<T>> for View<'a, RANK> {
    fn from(vector: &'a Vec<T>) -> Self {
        vector.as_slice().into()
    }
}

impl<'a, T: Element, const RANK: usize> From<&'a mut Vec<T>> for ViewMut<'a, RANK> {
    fn from(vector: &'a mut Vec<T>) -> Self {
        vector.as_mut_slice().into()
    }
}

impl<'a, T: Element, const LEN: usize, const RANK: usize> From<&'a [T; LEN]> for View<'a, RANK> {
    fn from(array: &'a [T; LEN]) -> Self {
        array.as_slice().into()
    }
}

impl<'a, T: Element, const LEN: usize, const RANK: usize> From<&'a mut [T; LEN]> for ViewMut<'a, RANK> {
    fn from(array: &'a mut [T; LEN]) -> Self {
        array.as_mut_slice().into()
    }
}

fn place_of(device: &Device) -> Place {
    let (backend, ordinal) = device.place();
    Place::Device(backend, ordinal)
}

impl<'a, T: Element, const RANK: usize> From<&'a Buffer<T>> for View<'a, RANK> {
    fn from(buffer: &'a Buffer<T>) -> Self {
        View::new(Raw::new(buffer.as_raw(), T::DTYPE, Some(buffer.len()), place_of(buffer.device())))
    }
}

impl<'a, T: Element, const RANK: usize> From<&'a mut Buffer<T>> for ViewMut<'a, RANK> {
    fn from(buffer: &'a mut Buffer<T>) -> Self {
        ViewMut::new(Raw::new(buffer.as_raw(), T::DTYPE, Some(buffer.len()), place_of(buffer.device())))
    }
}
