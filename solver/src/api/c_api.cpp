// The C interface: every entry turns exceptions into a status and a message.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_set>

#include "constrint/constrint.h"
#include "constrint/constrint.hpp"

struct constrint_model {
  constrint::Model model;
  std::vector<std::string> names;
  std::vector<const char*> name_pointers;
  std::string text;
  bool in_callback = false;
};

namespace {

thread_local std::string last_message;

// Live handles, so that a dead or made-up one is an error and not a crash.
std::mutex handles_mutex;
std::unordered_set<const constrint_model*>& handles() {
  static auto* set = new std::unordered_set<const constrint_model*>;  // outlives static destructors
  return *set;
}

bool alive(const constrint_model* model) {
  const std::lock_guard<std::mutex> lock(handles_mutex);
  return handles().count(model) != 0;
}

constrint_status report(constrint_status status, const char* message) noexcept {
  try {
    last_message = message;
  } catch (...) {
    last_message.clear();
  }
  return status;
}

template <class F>
constrint_status guard(F&& body) noexcept {
  try {
    return body();
  } catch (const constrint::ParseError& e) {
    return report(CONSTRINT_BAD_TEXT, e.what());
  } catch (const constrint::ModelError& e) {
    return report(CONSTRINT_BAD_MODEL, e.what());
  } catch (const std::bad_alloc&) {
    return report(CONSTRINT_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return report(CONSTRINT_INTERNAL, e.what());
  } catch (...) {
    return report(CONSTRINT_INTERNAL, "unknown exception");
  }
}

template <class F>
constrint_status with_model(constrint_model* model, F&& body) noexcept {
  return guard([&]() -> constrint_status {
    if (model == nullptr) return report(CONSTRINT_BAD_ARGUMENT, "model is null");
    if (!alive(model)) {
      return report(CONSTRINT_BAD_ARGUMENT, "model is no live handle of constrint_parse");
    }
    if (model->in_callback) {
      return report(CONSTRINT_BAD_ARGUMENT,
                    "model is being solved: a visitor must not call into it");
    }
    return body();
  });
}

constrint_status bad(const char* message) { return report(CONSTRINT_BAD_ARGUMENT, message); }

// nullptr where the options are good, else what is wrong with them.
const char* read_options(const constrint_options* in, constrint::Options* out) {
  if (in == nullptr) return nullptr;
  if (in->struct_size < sizeof(constrint_options)) {
    return "options->struct_size is smaller than constrint_options";
  }
  if (!(in->max_seconds >= 0)) return "options->max_seconds must be 0 or more";
  if (in->order > CONSTRINT_ORDER_FASTEST) return "options->order is no constrint_order";
  if (in->threads > 1024) return "options->threads must be at most 1024";
  out->max_nodes = in->max_nodes;
  out->max_solutions = in->max_solutions;
  out->max_seconds = in->max_seconds;
  out->threads = std::max<uint32_t>(1, in->threads);
  out->order = static_cast<constrint::Order>(in->order);
  return nullptr;
}

const char* check_result(const constrint_result* result) {
  if (result != nullptr && result->struct_size < sizeof(constrint_result)) {
    return "result->struct_size is smaller than constrint_result";
  }
  return nullptr;
}

void write_result(constrint_result* out, const constrint::Statistics& s, int64_t objective) {
  if (out == nullptr) return;
  out->solutions = s.solutions;
  out->objective = objective;
  out->nodes = s.nodes;
  out->failures = s.failures;
  out->propagations = s.propagations;
  out->solve_microseconds = s.solve_microseconds;
}

constrint_status convert(constrint::Status status) {
  switch (status) {
    case constrint::Status::solved:
      return CONSTRINT_SOLVED;
    case constrint::Status::infeasible:
      return report(CONSTRINT_INFEASIBLE, "the model has no solution");
    case constrint::Status::limit:
      return report(CONSTRINT_LIMIT, "a limit was met first");
    case constrint::Status::stopped:
      return report(CONSTRINT_STOPPED, "the visitor stopped");
  }
  return CONSTRINT_INTERNAL;
}

}  // namespace

extern "C" {

const char* constrint_version(void) { return "0.1.0"; }

const char* constrint_message(void) { return last_message.c_str(); }

constrint_status constrint_parse(const char* text, size_t length, const char* filename,
                                 constrint_model** model) {
  return guard([&]() -> constrint_status {
    if (model == nullptr) return bad("model is null");
    *model = nullptr;
    if (text == nullptr && length != 0) return bad("text is null and length is not 0");
    auto made = std::make_unique<constrint_model>();
    made->model = constrint::Model::parse(std::string_view(text == nullptr ? "" : text, length),
                                          filename == nullptr ? "<text>" : filename);
    const std::lock_guard<std::mutex> lock(handles_mutex);
    handles().insert(made.get());
    *model = made.release();
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_destroy(constrint_model* model) {
  if (model == nullptr) return CONSTRINT_SOLVED;
  return with_model(model, [&] {
    {
      const std::lock_guard<std::mutex> lock(handles_mutex);
      handles().erase(model);
    }
    delete model;
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_add(constrint_model* model, const char* text, size_t length) {
  return with_model(model, [&] {
    if (text == nullptr && length != 0) return bad("text is null and length is not 0");
    model->model.add(std::string_view(text == nullptr ? "" : text, length));
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_set(constrint_model* model, const char* name, int64_t value) {
  return with_model(model, [&] {
    if (name == nullptr) return bad("name is null");
    model->model.set_parameter(name, value);
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_push(constrint_model* model) {
  return with_model(model, [&] {
    model->model.push();
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_pop(constrint_model* model) {
  return with_model(model, [&] {
    model->model.pop();
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_variables(constrint_model* model, size_t* count,
                                     const char* const** names) {
  return with_model(model, [&] {
    if (count == nullptr) return bad("count is null");
    model->names = model->model.variables();
    model->name_pointers.clear();
    for (const std::string& name : model->names) model->name_pointers.push_back(name.c_str());
    *count = model->names.size();
    if (names != nullptr) *names = model->name_pointers.data();
    return CONSTRINT_SOLVED;
  });
}

constrint_status constrint_solve(constrint_model* model, const constrint_options* options,
                                 int64_t* values, size_t capacity, constrint_result* result) {
  return with_model(model, [&] {
    constrint::Options o;
    if (const char* wrong = read_options(options, &o)) return bad(wrong);
    if (const char* wrong = check_result(result)) return bad(wrong);
    const size_t count = model->model.variables().size();
    if (values == nullptr && count != 0) return bad("values is null");
    if (capacity < count) {
      const std::string message = "capacity " + std::to_string(capacity) + " is less than the " +
                                  std::to_string(count) + " variables of a solution";
      return bad(message.c_str());
    }
    const constrint::Result found = model->model.solve(o);
    if (found.has_solution && count != 0) {
      std::copy(found.solution.values().begin(), found.solution.values().end(), values);
    }
    write_result(result, found.statistics, found.objective);
    return convert(found.status);
  });
}

constrint_status constrint_solve_all(constrint_model* model, const constrint_options* options,
                                     constrint_visitor visit, void* user,
                                     constrint_result* result) {
  return with_model(model, [&] {
    constrint::Options o;
    if (const char* wrong = read_options(options, &o)) return bad(wrong);
    if (const char* wrong = check_result(result)) return bad(wrong);
    if (visit == nullptr) return bad("visit is null");
    struct Mark {
      explicit Mark(bool* f) : flag(f) { *flag = true; }
      ~Mark() { *flag = false; }
      bool* flag;
    } mark(&model->in_callback);
    const constrint::Result found = model->model.solve_all(
        [&](std::span<const int64_t> v) { return visit(v.data(), v.size(), user) != 0; }, o);
    write_result(result, found.statistics, 0);
    return convert(found.status);
  });
}

constrint_status constrint_count(constrint_model* model, const constrint_options* options,
                                 constrint_result* result) {
  return with_model(model, [&] {
    constrint::Options o;
    if (const char* wrong = read_options(options, &o)) return bad(wrong);
    if (const char* wrong = check_result(result)) return bad(wrong);
    const constrint::CountResult found = model->model.count(o);
    write_result(result, found.statistics, 0);
    return convert(found.status);
  });
}

constrint_status constrint_explain(constrint_model* model, const constrint_options* options,
                                   const char** text) {
  return with_model(model, [&] {
    constrint::Options o;
    if (const char* wrong = read_options(options, &o)) return bad(wrong);
    if (text == nullptr) return bad("text is null");
    const constrint::Explanation found = model->model.explain(o);
    model->text.clear();
    for (const constrint::Source& s : found.clash) {
      model->text += s.file + ":" + std::to_string(s.line) + ":" + std::to_string(s.column) + ": " +
                     s.text + "\n";
    }
    *text = model->text.c_str();
    return convert(found.status);
  });
}

constrint_status constrint_text(constrint_model* model, const char** text) {
  return with_model(model, [&] {
    if (text == nullptr) return bad("text is null");
    model->text = model->model.text();
    *text = model->text.c_str();
    return CONSTRINT_SOLVED;
  });
}

}  // extern "C"
