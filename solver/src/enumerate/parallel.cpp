#include "enumerate/parallel.hpp"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "enumerate/factored.hpp"

namespace constrint::detail {
namespace {

// What a lister's rows go through on their way to sink. sink must outlive the result.
Lister::Flush expanded(const Factors* factors, Control* control, const Lister::Flush& sink) {
  if (factors == nullptr) return sink;
  // Shared, as a function object is copied.
  return [factors, control, &sink, block = std::make_shared<Factors::Block>()](const i64* rows,
                                                                               std::size_t count) {
    const Lister::Flush timed = [&](const i64* values, std::size_t n) {
      control->check_clock();
      return !control->out() && sink(values, n);
    };
    return factors->expand(rows, count, timed, block.get());
  };
}

// Hands out one value of the outermost loop at a time; finished rows wait for their turn. No worker
// runs far ahead, which bounds the memory that waits.
class Team {
 public:
  Team(const Space& space, const Factors* factors, unsigned threads, Control* control,
       const Lister::Flush& sink)
      : space_(space),
        factors_(factors),
        threads_(threads),
        control_(*control),
        sink_(sink),
        tasks_(space.axes[0].values.size()) {}

  Listed run() {
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads_; ++t) workers.emplace_back([this] { work(); });
    for (std::thread& w : workers) w.join();
    if (error_) std::rethrow_exception(error_);
    if (limit_) return Listed::limit;
    return refused_ ? Listed::stopped : Listed::complete;
  }

 private:
  struct Rows {
    std::vector<i64> values;
    std::size_t count = 0;
  };

  void work() {
    try {
      Options options = control_.options();
      Control own(options, control_.deadline());
      Lister lister(space_, &own, &stop_);
      const std::size_t width = space_.outputs.size();
      std::size_t task = 0;
      for (const bool any = lister.start(); any && take(&task);) {
        Rows rows;
        const Lister::Flush keep = [&](const i64* values, std::size_t count) {
          if (its_turn(task)) return stream(&rows, values, count);
          rows.values.insert(rows.values.end(), values, values + count * width);
          rows.count += count;
          return !stop_.load(std::memory_order_relaxed);
        };
        const bool done = lister.run(task, task + 1, expanded(factors_, &own, keep));
        if (!done && own.out()) limit_ = true;
        if (!done) stop_ = true;
        deliver(task, std::move(rows));
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      control_.nodes += own.nodes;
      control_.failures += own.failures;
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
    turn_.notify_all();
  }

  bool take(std::size_t* task) {
    std::unique_lock<std::mutex> lock(mutex_);
    turn_.wait(lock, [&] {
      return stop_ || next_task_ >= tasks_ || next_task_ < next_out_ + 4 * threads_;
    });
    if (stop_ || next_task_ >= tasks_) return false;
    *task = next_task_++;
    return true;
  }

  bool its_turn(std::size_t task) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return task == next_out_;
  }

  // Rows of the task whose turn it is go straight out, behind what it had to keep until then.
  bool stream(Rows* kept, const i64* values, std::size_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stop_) return false;
    bool more = kept->count == 0 || sink_(kept->values.data(), kept->count);
    kept->values.clear();
    kept->count = 0;
    more = more && sink_(values, count);
    if (!more) refused_ = true, stop_ = true;
    return more;
  }

  void deliver(std::size_t task, Rows rows) {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.emplace(task, std::move(rows));
    while (!stop_ && !ready_.empty() && ready_.begin()->first == next_out_) {
      Rows out = std::move(ready_.begin()->second);
      ready_.erase(ready_.begin());
      // The lock stays: rows leave in order, one thread at a time.
      if (out.count != 0 && !sink_(out.values.data(), out.count)) {
        refused_ = true;
        stop_ = true;
      }
      ++next_out_;
    }
    lock.unlock();
    turn_.notify_all();
  }

  const Space& space_;
  const Factors* factors_;
  const unsigned threads_;
  Control& control_;
  const Lister::Flush& sink_;
  const std::size_t tasks_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::map<std::size_t, Rows> ready_;
  std::size_t next_task_ = 0, next_out_ = 0;
  std::atomic<bool> stop_{false}, limit_{false};
  bool refused_ = false;
  std::exception_ptr error_;
};

}  // namespace

Listed list_space(const Space& space, const Factors* factors, unsigned threads, Control* control,
                  const Lister::Flush& sink) {
  const bool shared = threads > 1 && !space.axes.empty() && !space.axes[0].hidden &&
                      space.axes[0].values.size() > 1 && control->options().max_nodes == 0;
  if (shared) return Team(space, factors, threads, control, sink).run();
  std::atomic<bool> stop{false};
  Lister lister(space, control, &stop);
  if (!lister.start()) return Listed::complete;
  const std::size_t all = space.axes.empty() ? 0 : space.axes[0].values.size();
  if (lister.run(0, all, expanded(factors, control, sink))) return Listed::complete;
  return control->out() ? Listed::limit : Listed::stopped;
}

}  // namespace constrint::detail
