// SPDX-License-Identifier: Apache-2.0
// flashrnn-char-model: a character language model of a text file, trained on windows that carry
// their states on, tested on the end of the text, and then asked for a line by single steps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "../common/device_option.hpp"
#include "text.hpp"

namespace {

using namespace examples;

struct Settings {
  std::string text, cell = "slstm", prompt = "The ";
  int heads = 4, head_dim = 64, layers = 1, batch = 16, length = 64, steps = 240, sample = 300;
  float learning_rate = 4e-3f, clip = 1.0f, temperature = 0.6f;
  double held_out = 0.1;
  std::uint64_t seed = 1;
  DeviceOption device;
};

// A licence that Debian and Ubuntu ship.
std::string default_text() {
  for (const char* path :
       {"/usr/share/common-licenses/GPL-3", "/usr/share/common-licenses/Apache-2.0"})
    if (std::filesystem::exists(path)) return path;
  return "";
}

double bits(double nats) { return nats / std::log(2.0); }

// Bits per character of the held-out part, whose windows carry their states on as well.
double test(SequenceModel& model, std::span<const int> held_out) {
  constexpr int kStreams = 2;
  const int time = static_cast<int>(std::min<std::size_t>(256, (held_out.size() - 1) / kStreams));
  const Windows windows(held_out, kStreams, time);
  double sum = 0;
  for (int n = 0; n < windows.count(); ++n) sum += model.evaluate(windows.window(n), n > 0).loss;
  return bits(sum / windows.count());
}

void train(SequenceModel& model, const Text& text, const Settings& s) {
  const Windows windows(text.training(), s.batch, s.length);
  std::printf("step     epoch   bits per character    held out   tokens a second\n");
  const auto start = std::chrono::steady_clock::now();
  double loss = 0, testing = 0;
  const int report = std::max(1, s.steps / 10);
  for (int step = 1; step <= s.steps; ++step) {
    const int number = (step - 1) % windows.count();
    const double score = model.train(windows.window(number), number > 0).loss;
    const double part = static_cast<double>(step) / s.steps;
    model.update(s.learning_rate * static_cast<float>(std::min(1.0, 0.05 + 2 * (1 - part))),
                 s.clip);
    loss = step == 1 ? score : loss + 0.05 * (score - loss);
    if (step % report != 0 && step != s.steps) continue;
    const auto now = std::chrono::steady_clock::now();
    const double held_out = test(model, text.held_out());
    const double seconds = std::chrono::duration<double>(now - start).count() - testing;
    testing += std::chrono::duration<double>(std::chrono::steady_clock::now() - now).count();
    std::printf("%5d %8.2f %20.3f %11.3f %17.0f\n", step,
                static_cast<double>(step) / windows.count(), bits(loss), held_out,
                static_cast<double>(step) * s.batch * s.length / seconds);
    std::fflush(stdout);
  }
}

// Draws characters one at a time, each fed back through flashrnn_step.
void sample(SequenceModel& model, const Text& text, const Settings& s) {
  Random random(s.seed, 9);
  std::printf("\na sample at temperature %.2f, streamed step by step:\n%s", s.temperature,
              s.prompt.c_str());
  std::span<const float> logits;
  for (char c : s.prompt)
    if (text.token(c) >= 0) logits = model.step(text.token(c));
  if (logits.empty()) logits = model.step(0);
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; n < s.sample; ++n) {
    const float top = *std::ranges::max_element(logits);
    std::vector<float> weights;
    float sum = 0;
    for (float logit : logits) sum += weights.emplace_back(std::exp((logit - top) / s.temperature));
    float draw = random.unit() * sum;
    int token = 0;
    while (token + 1 < text.characters() && (draw -= weights[token]) >= 0) ++token;
    std::putchar(text.character(token));
    logits = model.step(token);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("\n(%.0f characters a second)\n", s.sample / seconds);
}

int run(int argc, char** argv) {
  Settings s;
  s.text = default_text();
  CLI::App app{"Trains a character language model on a text file through FlashRNN's C ABI"};
  app.add_option("--text", s.text, "Any file; its bytes are the characters")->capture_default_str();
  app.add_option("--cell", s.cell, "A cell, by the library's name")->capture_default_str();
  app.add_option("--heads", s.heads, "Heads of a layer")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--head-dim", s.head_dim, "Units of a head")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--layers", s.layers, "Layers")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--batch", s.batch, "Streams of an update")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--length", s.length, "Steps of an update")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--steps", s.steps, "Updates")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  app.add_option("--learning-rate", s.learning_rate, "Adam's, at the start")->capture_default_str();
  app.add_option("--clip", s.clip, "Norm that gradients are clipped to; 0: none")
      ->capture_default_str();
  app.add_option("--held-out", s.held_out, "Part of the text, from its end, for the test")
      ->check(CLI::Range(0.01, 0.5))
      ->capture_default_str();
  app.add_option("--sample", s.sample, "Characters to draw at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--prompt", s.prompt, "What the sample begins with")->capture_default_str();
  app.add_option("--temperature", s.temperature, "Of the sample")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  app.add_option("--seed", s.seed, "Of weights and sample")->capture_default_str();
  s.device.add_to(app);
  CLI11_PARSE(app, argc, argv);
  if (s.text.empty())
    throw std::runtime_error("--text: no default text was found here; name a file");

  const Text text(s.text, s.held_out);
  const flashrnn::Device device = s.device.open();
  Random random(s.seed);
  SequenceModel model(device,
                      {flashrnn::cell_by_name(s.cell), s.layers, s.heads, s.head_dim,
                       text.characters(), text.characters()},
                      random);
  std::printf("%s: %zu characters to train on, %zu held out, %d kinds\n", s.text.c_str(),
              text.training().size(), text.held_out().size(), text.characters());
  std::printf("%s: %d x %d units, layers: %d, %zu parameters\n\n", s.cell.c_str(), s.heads,
              s.head_dim, s.layers, model.parameter_count());
  train(model, text, s);
  sample(model, text, s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "flashrnn-char-model: " << error.what() << "\n";
    return 2;
  }
}
