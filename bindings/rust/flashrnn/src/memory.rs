// SPDX-License-Identifier: Apache-2.0
use crate::device::Device;
use crate::dtype::Element;
use crate::error::{check, Error, Result};
use flashrnn_sys as sys;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// Elements in a device's memory, owned, contiguous, aligned to 256 bytes. Made by [`Device::zeros`] and
/// [`Device::upload`]; freed when dropped.
pub struct Buffer<T> {
    device: Device,
    data: *mut c_void,
    len: usize,
    elements: PhantomData<T>,
}

// SAFETY: owns plain data, as a Vec<T> does; the device is Send and Sync.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above; only methods that take &mut self write.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Element> Buffer<T> {
    /// Not to be handed out before it is written.
    pub(crate) fn uninit(device: &Device, len: usize) -> Result<Buffer<T>> {
        let bytes = len.checked_mul(std::mem::size_of::<T>()).ok_or_else(|| {
            Error::InvalidArgument(format!("buffer of {len} elements: its bytes must fit into usize"))
        })?;
        let mut data = std::ptr::null_mut();
        // SAFETY: the device is open; `data` is written on success.
        check(unsafe { sys::flashrnn_memory_allocate(device.as_raw(), bytes, &mut data) })?;
        Ok(Buffer { device: device.clone(), data, len, elements: PhantomData })
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The device that it is of.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The address on the device, for other libraries. Still owned by this object.
    pub fn as_raw(&self) -> *mut c_void {
        self.data
    }

    fn bytes(&self) -> usize {
        self.len * std::mem::size_of::<T>()
    }

    fn require_len(&self, len: usize) -> Result<()> {
        if len == self.len {
            return Ok(());
        }
        Err(Error::InvalidArgument(format!(
            "copy of {len} elements: the buffer has {}, and the counts must be equal",
            self.len
        )))
    }

    fn copy(&self, destination: *mut c_void, source: *const c_void, kind: i32) -> Result<()> {
        // SAFETY: both sides have `bytes()` bytes, as the callers have checked; the call returns when it is done.
        check(unsafe {
            sys::flashrnn_memory_copy(
                self.device.as_raw(),
                std::ptr::null_mut(),
                destination,
                source,
                self.bytes(),
                kind,
            )
        })
    }

    /// Copies as many elements as there are from host memory; done when it returns.
    pub fn upload(&mut self, host: &[T]) -> Result<()> {
        self.require_len(host.len())?;
        self.copy(self.data, host.as_ptr().cast(), sys::FLASHRNN_COPY_HOST_TO_DEVICE)
    }

    /// Copies all elements to host memory, after what the device's default stream has to do before; done when it returns.
    pub fn download_to(&self, host: &mut [T]) -> Result<()> {
        self.require_len(host.len())?;
        self.copy(host.as_mut_ptr().cast(), self.data, sys::FLASHRNN_COPY_DEVICE_TO_HOST)
    }

    /// As [`Buffer::download_to`], into a new vector.
    pub fn download(&self) -> Result<Vec<T>> {
        let mut host = vec![T::default(); self.len];
        self.download_to(&mut host)?;
        Ok(host)
    }

    /// Sets every byte, in the order of the device's default stream.
    pub fn fill_bytes(&mut self, value: u8) -> Result<()> {
        // SAFETY: the buffer has that many bytes.
        check(unsafe {
            sys::flashrnn_memory_fill(
                self.device.as_raw(),
                std::ptr::null_mut(),
                self.data,
                value,
                self.bytes(),
            )
        })
    }

    /// The elements themselves, where the device's memory is the host's.
    pub fn as_slice(&self) -> Option<&[T]> {
        // SAFETY: aligned, initialised, of that length, and on the CPU no run is under way once its call has returned.
        self.device.is_host().then(|| unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) })
    }

    /// As [`Buffer::as_slice`], to be written.
    pub fn as_mut_slice(&mut self) -> Option<&mut [T]> {
        // SAFETY: as above, and borrowed by nobody else.
        self.device.is_host().then(|| unsafe { std::slice::from_raw_parts_mut(self.data.cast(), self.len) })
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: allocated on this device, freed here only.
        unsafe { sys::flashrnn_memory_free(self.device.as_raw(), self.data) };
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} elements on {:?})", self.len, self.device)
    }
}
