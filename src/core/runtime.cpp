// SPDX-License-Identifier: Apache-2.0
#include "core/runtime.hpp"

#include <Kokkos_Core.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/log.hpp"

namespace flashrnn {

namespace {

using HostSpace = Kokkos::DefaultHostExecutionSpace;

// Initialises without the warnings that Kokkos would print.
void initialize_quietly() {
#if KOKKOS_VERSION >= 30700
  Kokkos::initialize(Kokkos::InitializationSettings().set_disable_warnings(true));
#else
  Kokkos::InitArguments arguments;
  arguments.disable_warnings = true;
  Kokkos::initialize(arguments);
#endif
}

// Before Kokkos 4 only the thread that initialised a threaded host space may dispatch to it. So one
// thread of our own does both, and calls from everywhere take turns in handing it their work. It is
// never joined: see runtime.hpp.
class Dispatcher {
 public:
  Dispatcher() {
    // Somebody else's Kokkos was started in a thread that we do not own: then dispatch where we are
    // called.
    is_ours_ = !Kokkos::is_initialized();
    if (is_ours_) {
      std::thread([this] { serve(); }).detach();
    } else {
      log(LogLevel::kInfo, "Kokkos was initialised by the application: using it as it is");
    }
  }

  void run(void (*body)(void*), void* context) {
    const std::lock_guard turn(turn_);
    if (!is_ours_) {
      body(context);
      return;
    }
    std::unique_lock lock(mutex_);
    body_ = body;
    context_ = context;
    changed_.notify_all();
    changed_.wait(lock, [this] { return body_ == nullptr; });
  }

 private:
  void serve() {
    initialize_quietly();
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return body_ != nullptr; });
      body_(context_);
      body_ = nullptr;
      changed_.notify_all();
    }
  }

  bool is_ours_ = false;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable changed_;
  void (*body_)(void*) = nullptr;
  void* context_ = nullptr;
};

Dispatcher& dispatcher() {
  static auto& instance = *new Dispatcher;
  return instance;
}

struct Work {
  int workers;
  void (*body)(int, void*);
  void* context;
};

void dispatch(void* context) {
  const Work work = *static_cast<const Work*>(context);
  const Kokkos::RangePolicy<HostSpace, Kokkos::Schedule<Kokkos::Static>> range(
      0, work.workers, Kokkos::ChunkSize(1));
  Kokkos::parallel_for("flashrnn", range, [work](int worker) { work.body(worker, work.context); });
  HostSpace().fence();
}

}  // namespace

bool core_is_threaded() {
#if defined(KOKKOS_ENABLE_SERIAL)
  return !std::is_same_v<HostSpace, Kokkos::Serial>;
#else
  return true;
#endif
}

void run_workers(int workers, void (*body)(int worker, void* context), void* context) {
  if (workers == 1) {
    body(0, context);
    return;
  }
  Work work{workers, body, context};
  dispatcher().run(dispatch, &work);
}

void run_on_kokkos_thread(void (*body)(void* context), void* context) {
  dispatcher().run(body, context);
}

}  // namespace flashrnn
