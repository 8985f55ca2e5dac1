#include <array>

#include "hand_fused.hpp"
#include "hand_loops.hpp"
#include "peer.hpp"

namespace bench {
namespace {

// Stands in for a peer whose library was not found when this was built.
class MissingPeer : public Peer {
 public:
  explicit MissingPeer(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string version() const override { return ""; }
  bool Does(Task, const Problem&) const override { return true; }
  Outcome Run(Task, const Problem&, double) override { return {}; }

 private:
  std::string name_;
};

class HandLoops : public Peer {
 public:
  std::string name() const override { return "hand loops"; }
  std::string version() const override { return "this bench"; }

  bool Does(Task task, const Problem& problem) const override {
    if (problem.name == "fused") return task == Task::kCount || task == Task::kBest;
    return (task == Task::kList || task == Task::kVisit) && FindHandLoop(problem.name) != nullptr;
  }

  Outcome Run(Task task, const Problem& problem, double) override {
    const HandLoop loop = FindHandLoop(problem.name);
    return Measure([&]() -> Answer {
      if (loop == nullptr) {
        const FusedAnswer fused = SolveFusedByLoops();
        if (task == Task::kBest) return {true, 1, 0, fused.best};
        return {true, fused.count, 0, std::nullopt};
      }
      Sink sink(task == Task::kList ? Sink::Mode::kList : Sink::Mode::kVisit);
      loop(sink);
      return {true, sink.count(), sink.fingerprint(), std::nullopt};
    });
  }
};

}  // namespace

const char* TaskName(Task task) {
  constexpr std::array<const char*, 5> kNames = {"first", "best", "list", "visit", "count"};
  return kNames[static_cast<std::size_t>(task)];
}

std::vector<std::unique_ptr<Peer>> MakePeers(const PeerOptions& options) {
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(std::make_unique<HandLoops>());
  peers.push_back(MakeConstrint());
#ifdef BENCH_HAS_GECODE
  peers.push_back(MakeGecode());
#else
  peers.push_back(std::make_unique<MissingPeer>("gecode"));
#endif
#ifdef BENCH_HAS_Z3
  peers.push_back(MakeZ3());
#else
  peers.push_back(std::make_unique<MissingPeer>("z3"));
#endif
  for (auto& peer : MakePythonPeers(options)) peers.push_back(std::move(peer));
  return peers;
}

}  // namespace bench
