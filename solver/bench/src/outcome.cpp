#include "outcome.hpp"

#include <fmt/format.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

namespace bench {
namespace {

constexpr std::array<const char*, 5> kStatusNames = {"ok", "timeout", "unsupported",
                                                     "not installed", "error"};
constexpr double kKillGraceSeconds = 3.0;
constexpr double kNothingUsed = 0.05;
constexpr rlim_t kMemoryLimitBytes = rlim_t{6} << 30;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

// To four digits: more would be noise.
double Rounded(double seconds) { return std::stod(fmt::format("{:.4g}", seconds)); }

Outcome Failed(Status status, std::string note) {
  Outcome outcome;
  outcome.status = status;
  outcome.note = std::move(note);
  return outcome;
}

Outcome RunGuarded(const std::function<Outcome()>& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return Failed(Status::kError, "out of memory");
  } catch (const std::exception& error) {
    return Failed(Status::kError, error.what());
  }
}

// What the bench itself has freed before the fork: the allocator would put it in order at the
// solver's first large request, on pages that the child must copy for that.
void TidyHeap() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

[[noreturn]] void RunChild(const std::function<Outcome()>& task, int pipe_in) {
  // A group of its own, so that whatever the peer starts ends with it.
  setpgid(0, 0);
  const rlimit memory = {kMemoryLimitBytes, kMemoryLimitBytes};
  setrlimit(RLIMIT_AS, &memory);
  TidyHeap();
  const std::string text = ToJson(RunGuarded(task)).dump();
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = write(pipe_in, text.data() + sent, text.size() - sent);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  // Destructors of a solver's globals are no part of the measurement and may take long.
  _exit(0);
}

// What the child wrote, until it closed the pipe or the time was up.
std::string ReadUntil(int pipe_out, double limit_s, bool* timed_out) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(limit_s + kKillGraceSeconds);
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting = {pipe_out, POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) == 0) {
      *timed_out = true;
      return text;
    }
    const ssize_t n = read(pipe_out, buffer.data(), buffer.size());
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

const char* StatusName(Status status) { return kStatusNames[static_cast<std::size_t>(status)]; }

Status StatusFromName(const std::string& name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i) {
    if (name == kStatusNames[i]) return static_cast<Status>(i);
  }
  return Status::kError;
}

nlohmann::json ToJson(const Outcome& outcome) {
  nlohmann::json json = {{"status", StatusName(outcome.status)}};
  if (!outcome.note.empty()) json["note"] = outcome.note;
  if (outcome.runs > 0) {
    json["seconds"] = Rounded(outcome.seconds);
    json["median_seconds"] = Rounded(outcome.median);
    json["cpu_seconds"] = Rounded(outcome.cpu_seconds);
    json["cold_seconds"] = Rounded(outcome.cold);
    json["cold_cpu_seconds"] = Rounded(outcome.cold_cpu);
    json["runs"] = outcome.runs;
    json["count"] = outcome.count;
  }
  if (outcome.fingerprint != 0) json["fingerprint"] = outcome.fingerprint;
  if (outcome.objective) json["objective"] = *outcome.objective;
  return json;
}

Outcome OutcomeFromJson(const nlohmann::json& json) {
  Outcome outcome;
  outcome.status = StatusFromName(json.value("status", "error"));
  outcome.note = json.value("note", "");
  outcome.seconds = json.value("seconds", 0.0);
  outcome.median = json.value("median_seconds", outcome.seconds);
  outcome.cpu_seconds = json.value("cpu_seconds", 0.0);
  outcome.cold = json.value("cold_seconds", outcome.seconds);
  outcome.cold_cpu = json.value("cold_cpu_seconds", outcome.cpu_seconds);
  outcome.runs = json.value("runs", 0);
  outcome.count = json.value("count", std::uint64_t{0});
  outcome.fingerprint = json.value("fingerprint", std::uint64_t{0});
  if (json.contains("objective")) outcome.objective = json["objective"].get<std::int64_t>();
  return outcome;
}

Outcome Measure(const std::function<Answer()>& solve) {
  constexpr double kEnoughSeconds = 0.5;
  constexpr int kEnoughRuns = 15;
  std::vector<double> times;
  Outcome outcome;
  double spent = 0;
  // Once unmeasured: the linker may have to find them first.
  (void)CpuSeconds();
  (void)std::chrono::steady_clock::now();
  while (times.empty() || (spent < kEnoughSeconds && times.size() < kEnoughRuns)) {
    const double cpu_before = CpuSeconds();
    const auto before = std::chrono::steady_clock::now();
    const Answer answer = solve();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    const double cpu = CpuSeconds() - cpu_before;
    if (times.empty()) {
      outcome.seconds = outcome.cold = seconds;
      outcome.cpu_seconds = outcome.cold_cpu = cpu;
    }
    outcome.seconds = std::min(outcome.seconds, seconds);
    outcome.cpu_seconds = std::min(outcome.cpu_seconds, cpu);
    outcome.count = answer.count;
    outcome.fingerprint = answer.fingerprint;
    outcome.objective = answer.objective;
    spent += seconds;
    times.push_back(seconds);
    if (!answer.complete) {
      outcome.status = Status::kTimeout;
      break;
    }
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  outcome.median = times[times.size() / 2];
  outcome.runs = static_cast<int>(times.size());
  return outcome;
}

Outcome RunIsolated(const std::function<Outcome()>& task, double limit_s, double start_s) {
  int ends[2];
  if (pipe(ends) != 0) return Failed(Status::kError, "no pipe");
  const pid_t child = fork();
  if (child < 0) return Failed(Status::kError, "no child process");
  if (child == 0) {
    close(ends[0]);
    RunChild(task, ends[1]);
  }
  setpgid(child, child);  // in both processes: neither may be late
  close(ends[1]);
  bool timed_out = false;
  const std::string text = ReadUntil(ends[0], start_s + limit_s, &timed_out);
  close(ends[0]);
  if (timed_out) kill(-child, SIGKILL);
  int exit_status = 0;
  rusage used{};
  wait4(child, &exit_status, 0, &used);
  if (timed_out) {
    Outcome outcome = Failed(Status::kTimeout, "stopped from outside");
    outcome.runs = 1;
    outcome.seconds = limit_s + kKillGraceSeconds;
    outcome.cpu_seconds = Seconds(used.ru_utime) + Seconds(used.ru_stime);
    // A Python peer's own child was killed with it and is not in that number: then nothing is
    // known.
    if (outcome.cpu_seconds < kNothingUsed) outcome.cpu_seconds = 0;
    return outcome;
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return Failed(Status::kError, WIFSIGNALED(exit_status)
                                      ? "ended by signal " + std::to_string(WTERMSIG(exit_status))
                                      : "gave no answer");
  }
  return OutcomeFromJson(json);
}

}  // namespace bench
