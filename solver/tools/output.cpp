#include "output.hpp"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

namespace constrint::tool {
namespace {

using nlohmann::ordered_json;

int exit_code(Status status) {
  switch (status) {
    case Status::solved:
      return kExitSolved;
    case Status::infeasible:
      return kExitInfeasible;
    default:
      return kExitLimit;
  }
}

ordered_json statistics(const Statistics& s) {
  return {{"nodes", s.nodes},
          {"failures", s.failures},
          {"propagations", s.propagations},
          {"solutions", s.solutions},
          {"solve_microseconds", s.solve_microseconds},
          {"parse_microseconds", s.parse_microseconds},
          {"variables", s.variables},
          {"constraints", s.constraints},
          {"components", s.components}};
}

ordered_json sources(const std::vector<Source>& list) {
  ordered_json out = ordered_json::array();
  for (const Source& s : list) {
    out.push_back({{"text", s.text}, {"file", s.file}, {"line", s.line}, {"column", s.column}});
  }
  return out;
}

void print_sources(const std::vector<Source>& list) {
  for (const Source& s : list) {
    if (s.line == 0) {
      std::printf("  %s\n", s.text.c_str());
    } else {
      std::printf("  %s:%d:%d: %s\n", s.file.c_str(), s.line, s.column, s.text.c_str());
    }
  }
}

void print_statistics(const Statistics& s) {
  std::fprintf(stderr,
               "# %d variables, %d constraints, %d components, %llu nodes, %llu failures, "
               "%llu propagations, parsed in %.0f us, solved in %.0f us\n",
               s.variables, s.constraints, s.components, static_cast<unsigned long long>(s.nodes),
               static_cast<unsigned long long>(s.failures),
               static_cast<unsigned long long>(s.propagations), s.parse_microseconds,
               s.solve_microseconds);
}

int one(const Request& r, const Model& model) {
  const Result result = r.action == "first"  ? model.solve_first(r.options)
                        : r.action == "best" ? model.solve_best(r.options)
                                             : model.solve(r.options);
  const bool objective = result.has_solution && r.action != "first" && model.has_objective();
  if (r.json) {
    ordered_json out{{"status", to_string(result.status)}};
    if (result.has_solution) {
      ordered_json values = ordered_json::object();
      for (std::size_t i = 0; i < result.solution.size(); ++i) {
        values[result.solution.names()[i]] = result.solution.values()[i];
      }
      out["solution"] = values;
      if (objective) out["objective"] = result.objective;
    }
    out["statistics"] = statistics(result.statistics);
    std::cout << out.dump() << "\n";
  } else {
    std::printf("%s\n", to_string(result.status));
    for (std::size_t i = 0; i < result.solution.size(); ++i) {
      std::printf("%s = %lld\n", result.solution.names()[i].c_str(),
                  static_cast<long long>(result.solution.values()[i]));
    }
    if (objective) std::printf("# objective %lld\n", static_cast<long long>(result.objective));
    print_statistics(result.statistics);
  }
  return exit_code(result.status);
}

// One line a solution: comma-separated values under a header, or a JSON array a line.
int all(const Request& r, const Model& model) {
  const std::vector<std::string> names = model.variables();
  std::string line;
  if (r.json) {
    line = ordered_json(names).dump() + "\n";
  } else {
    for (std::size_t i = 0; i < names.size(); ++i) line += (i == 0 ? "" : ",") + names[i];
    line += "\n";
  }
  std::fwrite(line.data(), 1, line.size(), stdout);
  const Result result = model.solve_all(
      [&](std::span<const std::int64_t> values) {
        line.assign(r.json ? "[" : "");
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (i != 0) line += ',';
          line += std::to_string(values[i]);
        }
        line += r.json ? "]\n" : "\n";
        return std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
      },
      r.options);
  if (r.json) {
    const ordered_json out{{"status", to_string(result.status)},
                           {"statistics", statistics(result.statistics)}};
    std::printf("%s\n", out.dump().c_str());
  } else {
    std::fprintf(stderr, "# %s\n", to_string(result.status));
    print_statistics(result.statistics);
  }
  return exit_code(result.status);
}

int count(const Request& r, const Model& model) {
  const CountResult result = model.count(r.options);
  if (r.json) {
    const ordered_json out{{"status", to_string(result.status)},
                           {"count", result.text},
                           {"statistics", statistics(result.statistics)}};
    std::printf("%s\n", out.dump().c_str());
  } else {
    std::printf("%s\n", result.text.c_str());
    print_statistics(result.statistics);
  }
  return exit_code(result.status);
}

int explain(const Request& r, const Model& model) {
  const Explanation e = model.explain(r.options);
  if (r.json) {
    const ordered_json out{{"status", to_string(e.status)},
                           {"clash", sources(e.clash)},
                           {"statistics", statistics(e.statistics)}};
    std::printf("%s\n", out.dump().c_str());
  } else {
    std::printf("%s\n", e.status == Status::solved ? "nothing clashes" : to_string(e.status));
    print_sources(e.clash);
    print_statistics(e.statistics);
  }
  return exit_code(e.status);
}

int check(const Request& r, const Model& model) {
  std::vector<Source> broken;
  const bool good = model.check(r.values, &broken);
  if (r.json) {
    const ordered_json out{{"status", good ? "solved" : "infeasible"}, {"broken", sources(broken)}};
    std::printf("%s\n", out.dump().c_str());
  } else {
    std::printf("%s\n", good ? "every constraint holds" : "broken:");
    print_sources(broken);
  }
  return good ? kExitSolved : kExitInfeasible;
}

}  // namespace

int answer(const Request& r) {
  const Model model = build(r);
  if (r.action == "solve" || r.action == "first" || r.action == "best") return one(r, model);
  if (r.action == "all") return all(r, model);
  if (r.action == "count") return count(r, model);
  if (r.action == "explain") return explain(r, model);
  if (r.action == "check") return check(r, model);
  if (r.action == "text") {
    std::fputs(model.text().c_str(), stdout);
    return kExitSolved;
  }
  throw UsageError(
      "expected the action solve, first, best, all, count, explain, check or text, "
      "found '" +
      r.action + "'");
}

void print_error(bool json, const char* kind, const std::string& message) {
  if (json) {
    const ordered_json out{{"status", kind}, {"message", message}};
    std::printf("%s\n", out.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
  } else {
    std::fprintf(stderr, "constrint: %s\n", message.c_str());
  }
}

}  // namespace constrint::tool
