// SPDX-License-Identifier: Apache-2.0
use flashrnn_sys as sys;
use std::ffi::CStr;
use std::fmt;

/// What a call of the library, or a check of this crate before one, has refused, by the library's statuses. Each holds the
/// message: the call, the value and the rule that it broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A value breaks the rule that the message states.
    InvalidArgument(String),
    /// A handle is not one; cannot come from safe code.
    InvalidHandle(String),
    /// Well formed, but no backend or kernel here does it.
    Unsupported(String),
    /// An allocation failed.
    OutOfMemory(String),
    /// The backend is not in this build, or its driver or device is missing.
    DeviceUnavailable(String),
    /// The device's own runtime reported an error.
    DeviceError(String),
    /// The tiling constraints admit no configuration.
    Infeasible(String),
    /// A fault of the library.
    Internal(String),
    /// A status that this version of the crate does not know, and its message.
    Other(i32, String),
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The library's message.
    pub fn message(&self) -> &str {
        match self {
            Error::InvalidArgument(m)
            | Error::InvalidHandle(m)
            | Error::Unsupported(m)
            | Error::OutOfMemory(m)
            | Error::DeviceUnavailable(m)
            | Error::DeviceError(m)
            | Error::Infeasible(m)
            | Error::Internal(m)
            | Error::Other(_, m) => m,
        }
    }

    /// The status as a number of `flashrnn.h`.
    pub fn status(&self) -> i32 {
        match self {
            Error::InvalidArgument(_) => sys::FLASHRNN_INVALID_ARGUMENT,
            Error::InvalidHandle(_) => sys::FLASHRNN_INVALID_HANDLE,
            Error::Unsupported(_) => sys::FLASHRNN_UNSUPPORTED,
            Error::OutOfMemory(_) => sys::FLASHRNN_OUT_OF_MEMORY,
            Error::DeviceUnavailable(_) => sys::FLASHRNN_DEVICE_UNAVAILABLE,
            Error::DeviceError(_) => sys::FLASHRNN_DEVICE_ERROR,
            Error::Infeasible(_) => sys::FLASHRNN_INFEASIBLE,
            Error::Internal(_) => sys::FLASHRNN_INTERNAL,
            Error::Other(status, _) => *status,
        }
    }

    fn new(status: i32, message: String) -> Self {
        match status {
            sys::FLASHRNN_INVALID_ARGUMENT => Error::InvalidArgument(message),
            sys::FLASHRNN_INVALID_HANDLE => Error::InvalidHandle(message),
            sys::FLASHRNN_UNSUPPORTED => Error::Unsupported(message),
            sys::FLASHRNN_OUT_OF_MEMORY => Error::OutOfMemory(message),
            sys::FLASHRNN_DEVICE_UNAVAILABLE => Error::DeviceUnavailable(message),
            sys::FLASHRNN_DEVICE_ERROR => Error::DeviceError(message),
            sys::FLASHRNN_INFEASIBLE => Error::Infeasible(message),
            sys::FLASHRNN_INTERNAL => Error::Internal(message),
            _ => Error::Other(status, message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes any value and gives a static text.
        let name = unsafe { text(sys::flashrnn_status_name(self.status())) };
        write!(f, "{name}: {}", self.message())
    }
}

impl std::error::Error for Error {}

/// Copies a text of the library; a null pointer is "".
///
/// # Safety
/// `text` is null or ends with a zero.
pub(crate) unsafe fn text(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

pub(crate) fn check(status: i32) -> Result<()> {
    if status == sys::FLASHRNN_OK {
        return Ok(());
    }
    // SAFETY: the message is valid until this thread's next call, and is copied before that.
    Err(Error::new(status, unsafe { text(sys::flashrnn_last_error_message()) }))
}

/// The two-call pattern of every text that the ABI gives: ask for the length, then for the text.
pub(crate) fn describe(call: impl Fn(*mut std::ffi::c_char, usize, *mut usize) -> i32) -> Result<String> {
    let mut length = 0;
    check(call(std::ptr::null_mut(), 0, &mut length))?;
    let mut bytes = vec![0u8; length + 1];
    check(call(bytes.as_mut_ptr().cast(), bytes.len(), &mut length))?;
    bytes.truncate(length);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
