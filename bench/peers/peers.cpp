// SPDX-License-Identifier: Apache-2.0
#include "peer.hpp"

namespace flashrnn::bench {

std::vector<std::unique_ptr<Peer>> make_peers(const PeerOptions& options) {
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(make_onednn_peer(false));
  peers.push_back(make_onednn_peer(true));
  peers.push_back(make_torch_peer(options));
  peers.push_back(make_naive_peer());
  return peers;
}

Row run_peer(Peer& peer, const Case& one, const Row& ours, const TimingOptions& options) {
  const PeerStatus status = peer.status();
  Row row;
  row.id = one.id;
  row.who = status.name;
  row.problem = one.problem;
  row.problem_text = ours.problem_text;
  row.call = one.call;
  row.threads = ours.threads;
  row.use_cpu_clock = ours.use_cpu_clock;
  row.use_best = ours.use_best;
  row.kernel = status.version;
  row.flops = flops_of(one.problem, one.call);
  row.failure = status.missing;
  if (!row.ok()) return row;
  try {
    peer.run(one, ours.threads, options, row);
  } catch (const std::exception& error) {
    row.failure = error.what();
  }
  return row;
}

}  // namespace flashrnn::bench
