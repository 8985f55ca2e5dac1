// Drives a fuzz target without libFuzzer: random mutations of a corpus, no coverage guidance, for
// compilers that lack it. Usage: fuzz_x_standalone CORPUS_FOLDER DICTIONARY SECONDS SEED
// An input that crashes is written to crash-SEED.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
#if defined(__SANITIZE_ADDRESS__)
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace {

std::string current, crash_file;

void save() {
  if (std::FILE* f = std::fopen(crash_file.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), f);
    std::fclose(f);
  }
}
void on_signal(int number) {
  save();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Mutator {
 public:
  Mutator(std::vector<std::string> pool, std::vector<std::string> words, unsigned seed)
      : pool_(std::move(pool)), words_(std::move(words)), random_(seed) {}

  const std::string& next() {
    std::string s = pool_[below(pool_.size())];
    for (std::size_t n = 1 + below(6); n > 0; --n) mutate(&s);
    if (s.size() > 400) s.resize(400);
    // A slowly drifting pool reaches further from the corpus than single steps would.
    if (below(50) == 0) {
      if (pool_.size() < 4000) {
        pool_.push_back(s);
      } else {
        pool_[below(pool_.size())] = s;
      }
    }
    return last_ = std::move(s);
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  void mutate(std::string* s) {
    const std::size_t at = below(s->size() + 1);
    switch (below(7)) {
      case 0:
        s->insert(at, words_[below(words_.size())]);
        break;
      case 1:
        s->erase(at, 1 + below(8));
        break;
      case 2:
        s->insert(at, s->substr(below(s->size() + 1), 1 + below(30)));
        break;
      case 3:
        if (at < s->size()) (*s)[at] = static_cast<char>(random_());
        break;
      case 4: {
        const std::string& other = pool_[below(pool_.size())];
        s->replace(at, below(20), other.substr(below(other.size() + 1), 1 + below(60)));
        break;
      }
      case 5:
        s->insert(at, std::to_string(random_() >> (1 + below(63))));
        break;
      default:
        if (at < s->size()) (*s)[at] = "abxy01239 ()[]+-*/%^<>=!&|;,."[below(29)];
    }
  }

  std::vector<std::string> pool_, words_;
  std::mt19937_64 random_;
  std::string last_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER DICTIONARY SECONDS SEED\n", argv[0]);
    return 2;
  }
  crash_file = std::string("crash-") + argv[4];
  std::signal(SIGABRT, on_signal);
  std::signal(SIGSEGV, on_signal);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(save);
#endif
  std::vector<std::string> pool, words{";"};
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    pool.push_back(read(entry.path()));
  }
  std::ifstream dictionary(argv[2]);
  for (std::string line; std::getline(dictionary, line);) {
    if (line.size() > 2) words.push_back(line.substr(1, line.size() - 2));
  }
  if (pool.empty()) pool.push_back("");
  Mutator mutator(std::move(pool), std::move(words), static_cast<unsigned>(std::atoi(argv[4])));
  const auto start = std::chrono::steady_clock::now();
  const double seconds = std::atof(argv[3]);
  unsigned long long runs = 0;
  double slowest = 0;
  for (double now = 0; now < seconds;) {
    current = mutator.next();
    LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(current.data()), current.size());
    ++runs;
    const double then = now;
    now = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (now - then > slowest && runs > 1) slowest = now - then;
  }
  std::printf("%llu executions, slowest %.3f s\n", runs, slowest);
  return 0;
}
