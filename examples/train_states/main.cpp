// SPDX-License-Identifier: Apache-2.0
// flashrnn-train-states: recurrent networks learn to track state on short sequences, and are tested
// on longer ones.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "../common/device_option.hpp"
#include "report.hpp"
#include "training.hpp"

namespace {

using namespace examples;

int run(int argc, char** argv) {
  CLI::App app{
      "Trains multi-head RNNs through FlashRNN's C ABI to track state on the word problems of "
      "arXiv\n"
      "2404.08819 (permutations of five things, and parity): on short sequences, tested on longer\n"
      "ones. Prints progress and a table, and writes train-states.svg (curves) and "
      "train-states.json\n"
      "into the output folder. Exits with 1 if a run stays below the goal."};
  Settings settings;
  std::vector<std::string> cells{"lstm", "slstm"}, tasks{"s5", "parity"};
  int generators = 4, steps = 0;
  double goal = 0.99;
  std::string out = ".";
  DeviceOption device_option;
  app.add_option("--cell", cells, "Cells, by the library's names")->capture_default_str();
  app.add_option("--task", tasks, "s5, parity")
      ->check(CLI::IsMember({"s5", "parity"}))
      ->capture_default_str();
  app.add_option("--generators", generators, "Tokens of s5 after the first")
      ->check(CLI::IsMember({2, 4, 120}))
      ->capture_default_str();
  app.add_option("--heads", settings.heads, "Heads of a layer")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--head-dim", settings.head_dim, "Units of a head")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--layers", settings.layers, "Layers")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--steps", steps, "Updates at most; 0: 4000 for s5, 1000 for parity")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--batch", settings.batch, "Sequences of an update")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--length", settings.length, "Longest sequences of the training")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--test-factor", settings.test_factor,
                 "Tests are on sequences this many times longer")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--test-sequences", settings.test_sequences, "Sequences of the test")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--learning-rate", settings.learning_rate, "Adam's, at the start")
      ->capture_default_str();
  app.add_option("--clip", settings.clip, "Norm that gradients are clipped to; 0: none")
      ->capture_default_str();
  app.add_option("--seed", settings.seed, "Of weights and sequences")->capture_default_str();
  app.add_option("--goal", goal, "Accuracy on the longer sequences that each run must reach")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--out", out, "Folder for train-states.svg and train-states.json")
      ->capture_default_str();
  device_option.add_to(app);
  CLI11_PARSE(app, argc, argv);

  std::filesystem::create_directories(out);
  const flashrnn::Device device = device_option.open();
  std::vector<flashrnn_cell> values;
  values.reserve(cells.size());
  for (const std::string& cell : cells) values.push_back(flashrnn::cell_by_name(cell));

  std::vector<Result> results;
  for (const std::string& name : tasks) {
    const Task task = name == "s5" ? Task::s5(generators) : Task::parity();
    settings.steps = steps > 0 ? steps : name == "s5" ? 4000 : 1000;
    for (flashrnn_cell cell : values) results.push_back(train_states(device, cell, task, settings));
  }
  print_table(results, settings, goal);
  write_report(out, results, settings);
  for (const Result& result : results)
    if (result.long_accuracy < goal) return 1;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "flashrnn-train-states: " << error.what() << "\n";
    return 2;
  }
}
