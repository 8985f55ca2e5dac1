// A solver to be measured. Each peer is one file; those that need a library are compiled only where
// CMake finds it, those that need Python ask for it when they run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model.hpp"
#include "outcome.hpp"

namespace bench {

enum class Task {
  kFirst,  // one solution, or the proof that there is none
  kBest,   // the best by the model's objective, proved
  kList,   // all solutions, kept in memory
  kVisit,  // all solutions, each handed over once
  kCount,  // how many there are
};

const char* TaskName(Task task);

// What a peer is given. `text` and `parameters` are what `model` was read from.
struct Problem {
  std::string name;
  const Model* model = nullptr;
  bool also_visited = false;  // a peer that counts by visiting need not do the same twice
  std::string text;
  Parameters parameters;
  bool in_preference_order = false;  // as a plan lists them: where a solver knows such an order
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string name() const = 0;
  virtual std::string version() const = 0;  // empty when the peer is not installed
  virtual bool Does(Task task, const Problem& problem) const = 0;
  // What it may need before its clock starts, on a busy machine.
  virtual double StartSeconds() const { return 0; }
  // Called in a child process of its own.
  virtual Outcome Run(Task task, const Problem& problem, double limit_s) = 0;
};

struct PeerOptions {
  std::string python;        // interpreter with the peers' packages
  std::string peer_scripts;  // folder of the Python peers' drivers
};

std::unique_ptr<Peer> MakeHandLoops();
std::unique_ptr<Peer> MakeConstrint();
std::unique_ptr<Peer> MakeGecode();
std::unique_ptr<Peer> MakeZ3();
std::vector<std::unique_ptr<Peer>> MakePythonPeers(const PeerOptions& options);

// All of them, missing ones too, in the order of the report's columns.
std::vector<std::unique_ptr<Peer>> MakePeers(const PeerOptions& options);

}  // namespace bench
