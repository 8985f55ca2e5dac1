// ConstrINT through its C++ interface. Reading the model's text is part of every time: what a
// program pays that starts from nothing.
#include "constrint/constrint.h"
#include "constrint/constrint.hpp"
#include "peer.hpp"

namespace bench {
namespace {

constrint::Model Parse(const Problem& problem) {
  constrint::Model model = constrint::Model::parse(problem.text, problem.model->name);
  for (const auto& [name, value] : problem.parameters) model.set_parameter(name, value);
  return model;
}

Answer SolveOne(const Problem& problem, Task task, const constrint::Options& options) {
  const constrint::Model model = Parse(problem);
  const constrint::Result result =
      task == Task::kBest ? model.solve_best(options) : model.solve_first(options);
  Answer answer;
  answer.complete = result.status != constrint::Status::limit;
  answer.count = result.has_solution ? 1 : 0;
  if (task == Task::kBest && result.has_solution) answer.objective = result.objective;
  return answer;
}

Answer SolveList(const Problem& problem, const constrint::Options& options) {
  const constrint::Model model = Parse(problem);
  Sink sink(Sink::Mode::kList);
  const std::size_t width = problem.model->variables.size();
  const constrint::Result result = model.solve_blocks(
      [&](std::span<const std::int64_t> rows) {
        for (std::size_t at = 0; at < rows.size(); at += width) sink(rows.data() + at, width);
        return true;
      },
      options);
  return {result.status != constrint::Status::limit, sink.count(), 0, std::nullopt};
}

Answer SolveVisit(const Problem& problem, const constrint::Options& options) {
  const constrint::Model model = Parse(problem);
  Sink sink(Sink::Mode::kVisit);
  const constrint::Result result = model.solve_all(
      [&](std::span<const std::int64_t> row) {
        sink(row.data(), row.size());
        return true;
      },
      options);
  return {result.status != constrint::Status::limit, sink.count(), sink.fingerprint(),
          std::nullopt};
}

Answer Count(const Problem& problem, const constrint::Options& options) {
  const constrint::CountResult result = Parse(problem).count(options);
  return {result.status != constrint::Status::limit, result.count, 0, std::nullopt};
}

class ConstrintPeer : public Peer {
 public:
  std::string name() const override { return "constrint"; }
  std::string version() const override { return constrint_version(); }

  bool Does(Task task, const Problem& problem) const override {
    return task != Task::kBest || problem.model->objective.has_value();
  }

  Outcome Run(Task task, const Problem& problem, double limit_s) override {
    constrint::Options options;
    options.max_seconds = limit_s;
    if (problem.in_preference_order) options.order = constrint::Order::preference;
    return Measure([&]() -> Answer {
      switch (task) {
        case Task::kList:
          return SolveList(problem, options);
        case Task::kVisit:
          return SolveVisit(problem, options);
        case Task::kCount:
          return Count(problem, options);
        default:
          return SolveOne(problem, task, options);
      }
    });
  }
};

}  // namespace

std::unique_ptr<Peer> MakeConstrint() { return std::make_unique<ConstrintPeer>(); }

}  // namespace bench
