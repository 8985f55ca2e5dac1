// SPDX-License-Identifier: Apache-2.0
use crate::error::{check, text, Result};
use flashrnn_sys as sys;
use std::ffi::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// For work on the library itself.
    Debug,
    /// What was chosen.
    Info,
    /// What a user may want to change.
    Warning,
    /// What went wrong.
    Error,
}

type Logger = Box<dyn FnMut(LogLevel, &str) + Send>;
static LOGGER: Mutex<Option<Logger>> = Mutex::new(None);

unsafe extern "C" fn forward(level: i32, message: *const c_char, _user: *mut c_void) {
    let level = match level {
        sys::FLASHRNN_LOG_ERROR => LogLevel::Error,
        sys::FLASHRNN_LOG_WARNING => LogLevel::Warning,
        sys::FLASHRNN_LOG_INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    // A panic must not cross the library.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(logger) = LOGGER.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // SAFETY: the message is valid during this call.
            logger(level, &unsafe { text(message) });
        }
    }));
}

/// Hands messages of at least `level` to `logger`, which may be called from any thread, never from two at once, and must
/// not call this crate. Replaces the logger before it.
pub fn set_logger(level: LogLevel, logger: impl FnMut(LogLevel, &str) + Send + 'static) -> Result<()> {
    *LOGGER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(logger));
    let level = match level {
        LogLevel::Debug => sys::FLASHRNN_LOG_DEBUG,
        LogLevel::Info => sys::FLASHRNN_LOG_INFO,
        LogLevel::Warning => sys::FLASHRNN_LOG_WARNING,
        LogLevel::Error => sys::FLASHRNN_LOG_ERROR,
    };
    // SAFETY: the callback is static and uses no user pointer.
    check(unsafe { sys::flashrnn_set_log_callback(Some(forward), level, std::ptr::null_mut()) })
}

/// Turns logging off, which is the default.
pub fn clear_logger() -> Result<()> {
    // SAFETY: a null callback turns logging off.
    check(unsafe { sys::flashrnn_set_log_callback(None, sys::FLASHRNN_LOG_OFF, std::ptr::null_mut()) })?;
    *LOGGER.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Ok(())
}
