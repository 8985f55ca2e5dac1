// SPDX-License-Identifier: Apache-2.0
use crate::device::Device;
use crate::error::{check, Result};
use flashrnn_sys as sys;
use std::ffi::c_void;

/// A queue of a device's work. May be sent to another thread, and used by one at a time.
#[derive(Debug)]
pub struct Stream(sys::flashrnn_stream);

// SAFETY: "one stream or event is used by one thread at a time", whichever that is.
unsafe impl Send for Stream {}

impl Stream {
    /// A stream of the library's own.
    pub fn new(device: &Device) -> Result<Stream> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the device is open; `raw` is written on success.
        check(unsafe { sys::flashrnn_stream_create(device.as_raw(), &mut raw) })?;
        Ok(Stream(raw))
    }

    /// Wraps the backend's own stream (`cudaStream_t`, ...), which the caller keeps owning; on the CPU only null.
    ///
    /// # Safety
    /// `native` is a stream of that device, and outlives this object and what runs on it.
    pub unsafe fn wrap(device: &Device, native: *mut c_void) -> Result<Stream> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the caller's promise.
        check(unsafe { sys::flashrnn_stream_wrap(device.as_raw(), native, &mut raw) })?;
        Ok(Stream(raw))
    }

    /// Waits until all of its work is done.
    pub fn synchronize(&self) -> Result<()> {
        // SAFETY: the stream is open.
        check(unsafe { sys::flashrnn_stream_synchronize(self.0) })
    }

    /// The C handle, which this object keeps owning.
    pub fn as_raw(&self) -> sys::flashrnn_stream {
        self.0
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: open, and closed here only.
        unsafe { sys::flashrnn_stream_close(self.0) };
    }
}

/// A point in the work of a stream. May be sent to another thread, and used by one at a time.
#[derive(Debug)]
pub struct Event(sys::flashrnn_event);

// SAFETY: as for Stream.
unsafe impl Send for Event {}

impl Event {
    /// One that is not yet recorded.
    pub fn new(device: &Device) -> Result<Event> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the device is open; `raw` is written on success.
        check(unsafe { sys::flashrnn_event_create(device.as_raw(), &mut raw) })?;
        Ok(Event(raw))
    }

    /// Marks the point up to which the stream (`None`: the device's default stream) now has work.
    pub fn record(&self, stream: Option<&Stream>) -> Result<()> {
        // SAFETY: both handles are open.
        check(unsafe { sys::flashrnn_event_record(self.0, raw(stream)) })
    }

    /// Waits until that point is reached.
    pub fn synchronize(&self) -> Result<()> {
        // SAFETY: the event is open.
        check(unsafe { sys::flashrnn_event_synchronize(self.0) })
    }

    /// Milliseconds from `first` to this event, both recorded; waits for this one.
    pub fn milliseconds_since(&self, first: &Event) -> Result<f64> {
        let mut milliseconds = 0.0;
        // SAFETY: both events are open.
        check(unsafe { sys::flashrnn_event_elapsed(first.0, self.0, &mut milliseconds) })?;
        Ok(milliseconds)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: open, and closed here only.
        unsafe { sys::flashrnn_event_close(self.0) };
    }
}

pub(crate) fn raw(stream: Option<&Stream>) -> sys::flashrnn_stream {
    stream.map_or(std::ptr::null_mut(), |stream| stream.0)
}
