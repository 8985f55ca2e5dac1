// SPDX-License-Identifier: Apache-2.0
// The border of the ABI: what a call throws becomes its status and the thread's message.
#pragma once

#include <new>
#include <string>

#include "api/error.hpp"
#include "flashrnn/flashrnn.h"

namespace flashrnn {

// Keeps the message for flashrnn_last_error_message; never throws.
void set_last_error(const char* message) noexcept;

template <typename Body>
flashrnn_status guard(const char* call, Body&& body) noexcept {
  const auto failed = [call](Status status, const char* what) noexcept {
    try {
      set_last_error((std::string(call) + ": " + what).c_str());
    } catch (...) {
      set_last_error(what);
    }
    return static_cast<flashrnn_status>(status);
  };
  try {
    body();
    return FLASHRNN_OK;
  } catch (const Error& error) {
    return failed(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(Status::kOutOfMemory, "host memory is exhausted");
  } catch (const std::exception& error) {
    return failed(Status::kInternal, error.what());
  } catch (...) {
    return failed(Status::kInternal, "unknown exception");
  }
}

}  // namespace flashrnn
