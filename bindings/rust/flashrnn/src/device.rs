// SPDX-License-Identifier: Apache-2.0
use crate::dtype::Element;
use crate::error::{check, describe, Error, Result};
use crate::memory::Buffer;
use flashrnn_sys as sys;
use std::ffi::{c_char, CStr};
use std::fmt;
use std::sync::Arc;

/// Which kind of device a [`Device`] is opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The first device of [`Device::list`]: the fastest kind there is.
    Best,
    /// The CPU. Its tensors are plain slices.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// AMD GPUs.
    Hip,
    /// GPUs with Vulkan.
    Vulkan,
}

impl Backend {
    /// The value of `flashrnn.h`.
    pub fn as_raw(self) -> i32 {
        match self {
            Backend::Best => sys::FLASHRNN_BACKEND_BEST,
            Backend::Cpu => sys::FLASHRNN_BACKEND_CPU,
            Backend::Cuda => sys::FLASHRNN_BACKEND_CUDA,
            Backend::Hip => sys::FLASHRNN_BACKEND_HIP,
            Backend::Vulkan => sys::FLASHRNN_BACKEND_VULKAN,
        }
    }
}

/// What a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its backend's value in `flashrnn.h`.
    pub backend: i32,
    /// Its number within the backend.
    pub ordinal: i32,
    /// Cores of a CPU that this process may use, multiprocessors of a GPU.
    pub compute_units: i32,
    /// Bytes of its memory.
    pub memory_bytes: u64,
    /// As the hardware calls itself.
    pub name: String,
    /// "cpu", ...
    pub backend_name: String,
}

fn array_text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|&c| c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map(|t| t.to_string_lossy().into_owned()).unwrap_or_default()
}

impl From<&sys::flashrnn_device_info> for DeviceInfo {
    fn from(info: &sys::flashrnn_device_info) -> Self {
        DeviceInfo {
            backend: info.backend,
            ordinal: info.ordinal,
            compute_units: info.compute_units,
            memory_bytes: info.memory_bytes,
            name: array_text(&info.name),
            backend_name: array_text(&info.backend_name),
        }
    }
}

struct Handle {
    raw: sys::flashrnn_device,
    info: DeviceInfo,
}

// SAFETY: "devices and plans may be used from any number of threads at once".
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: open, and closed here only.
        unsafe { sys::flashrnn_device_close(self.raw) };
    }
}

/// An open device. A clone is the same device; the last one closes it.
///
/// ```
/// let device = flashrnn::Device::cpu()?;
/// assert!(device.is_host());
/// println!("{}: {}", device.info().backend_name, device.info().name);
/// # Ok::<(), flashrnn::Error>(())
/// ```
#[derive(Clone)]
pub struct Device(Arc<Handle>);

impl Device {
    /// Opens a device; `ordinal` counts within the backend (0 with [`Backend::Best`]).
    pub fn open(backend: Backend, ordinal: i32) -> Result<Device> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: `raw` is written on success.
        check(unsafe { sys::flashrnn_device_open(backend.as_raw(), ordinal, &mut raw) })?;
        let mut info = sys::flashrnn_device_info::default();
        // SAFETY: the device is open; struct_size is set.
        let result = check(unsafe { sys::flashrnn_device_get_info(raw, &mut info) });
        let device = Device(Arc::new(Handle { raw, info: (&info).into() }));
        result.map(|()| device)
    }

    /// The fastest device.
    pub fn best() -> Result<Device> {
        Device::open(Backend::Best, 0)
    }

    /// The CPU.
    pub fn cpu() -> Result<Device> {
        Device::open(Backend::Cpu, 0)
    }

    /// Every device of this machine, the fastest kind first.
    pub fn list() -> Result<Vec<DeviceInfo>> {
        let mut count = 0;
        // SAFETY: null with capacity 0 asks for the count.
        check(unsafe { sys::flashrnn_list_devices(std::ptr::null_mut(), 0, &mut count) })?;
        let mut infos = vec![sys::flashrnn_device_info::default(); usize::try_from(count).unwrap_or(0)];
        if !infos.is_empty() {
            // SAFETY: `infos` has `count` elements, each with its struct_size.
            check(unsafe { sys::flashrnn_list_devices(infos.as_mut_ptr(), count, &mut count) })?;
            infos.truncate(usize::try_from(count).unwrap_or(0));
        }
        Ok(infos.iter().map(DeviceInfo::from).collect())
    }

    /// What it is.
    pub fn info(&self) -> &DeviceInfo {
        &self.0.info
    }

    /// JSON: every fact that plan-time decisions use.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: `describe` keeps to the rules of a text.
        describe(|t, n, l| unsafe { sys::flashrnn_device_describe(self.0.raw, t, n, l) })
    }

    /// JSON: every backend this version knows, whether it can be used here and if not, why.
    pub fn describe_backends() -> Result<String> {
        // SAFETY: as above.
        describe(|t, n, l| unsafe { sys::flashrnn_describe_backends(t, n, l) })
    }

    /// Whether its tensors are plain host memory, so that slices go in as they are. On any other device tensors are
    /// [`Buffer`]s, or an application's own by [`View::from_raw`](crate::View::from_raw).
    pub fn is_host(&self) -> bool {
        self.0.info.backend == sys::FLASHRNN_BACKEND_CPU
    }

    /// `len` elements of the device's memory, all bytes zero.
    pub fn zeros<T: Element>(&self, len: usize) -> Result<Buffer<T>> {
        let mut buffer = Buffer::uninit(self, len)?;
        buffer.fill_bytes(0)?;
        Ok(buffer)
    }

    /// A copy of `host` in the device's memory.
    pub fn upload<T: Element>(&self, host: &[T]) -> Result<Buffer<T>> {
        let mut buffer = Buffer::uninit(self, host.len())?;
        buffer.upload(host)?;
        Ok(buffer)
    }

    /// The C handle, which this object keeps owning.
    pub fn as_raw(&self) -> sys::flashrnn_device {
        self.0.raw
    }

    pub(crate) fn place(&self) -> (i32, i32) {
        (self.0.info.backend, self.0.info.ordinal)
    }

    pub(crate) fn require_same(&self, other: &Device, what: &str) -> Result<()> {
        if self.place() == other.place() {
            return Ok(());
        }
        let (a, b) = (other.info(), self.info());
        Err(Error::InvalidArgument(format!(
            "{what} is of device {} {}, the plan of {} {}: must be the same",
            a.backend_name, a.ordinal, b.backend_name, b.ordinal
        )))
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({} {}: {})", self.info().backend_name, self.info().ordinal, self.info().name)
    }
}
