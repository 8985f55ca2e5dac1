// SPDX-License-Identifier: Apache-2.0
// What else computes these networks, measured in the same run on the same number of threads. One
// file a peer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "row.hpp"
#include "runner.hpp"

namespace flashrnn::bench {

class Peer {
 public:
  virtual ~Peer() = default;
  virtual PeerStatus status() const = 0;
  // Fills the row's timing, flops and note. Throws Error where the peer does not do the case.
  virtual void run(const Case& one, int threads, const TimingOptions& options, Row& row) = 0;
};

struct PeerOptions {
  std::string torch_python;  // "": the PyTorch loop is not asked for
  std::string torch_script;
};

// one_feature: with an input of one feature instead of D.
std::unique_ptr<Peer> make_onednn_peer(bool one_feature);
std::unique_ptr<Peer> make_torch_peer(const PeerOptions& options);
std::unique_ptr<Peer> make_naive_peer();

// All of them, also those that cannot run: their status says why.
std::vector<std::unique_ptr<Peer>> make_peers(const PeerOptions& options);

// The row of a peer at a case; ours gives id, yardsticks and clock.
Row run_peer(Peer& peer, const Case& one, const Row& ours, const TimingOptions& options);

}  // namespace flashrnn::bench
