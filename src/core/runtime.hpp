// SPDX-License-Identifier: Apache-2.0
// Kokkos, started on first use. The library never finalises it: it may be shared with the
// application, and an application may still run plans while static objects are torn down.
#pragma once

namespace flashrnn {

// Whether Kokkos' default host space runs more than one thread.
bool core_is_threaded();

// Calls body(worker, context) for every worker in [0, workers), each on a thread of its own where
// the host space has as many. body must not throw. Calls from several threads take turns; one
// worker runs in the calling thread at once.
void run_workers(int workers, void (*body)(int worker, void* context), void* context);

// Runs body(context) in the thread that may dispatch to Kokkos, and waits for it.
void run_on_kokkos_thread(void (*body)(void* context), void* context);

template <typename Body>
void run_workers(int workers, const Body& body) {
  run_workers(
      workers, [](int worker, void* context) { (*static_cast<const Body*>(context))(worker); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace flashrnn
