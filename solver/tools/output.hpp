// Answers as text for people or JSON for scripts, and the exit codes.
#ifndef CONSTRINT_TOOLS_OUTPUT_HPP
#define CONSTRINT_TOOLS_OUTPUT_HPP

#include "request.hpp"

namespace constrint::tool {

// Documented in README.md; never changed.
enum ExitCode : int {
  kExitSolved = 0,
  kExitInfeasible = 1,
  kExitLimit = 2,
  kExitUsage = 3,
  kExitText = 4,
  kExitModel = 5,
  kExitInternal = 6,
};

// Carries out the request on standard output and returns the exit code.
int answer(const Request& request);
// A failure, in the form the user asked for: JSON on standard output, else a line on standard
// error.
void print_error(bool json, const char* kind, const std::string& message);

}  // namespace constrint::tool

#endif  // CONSTRINT_TOOLS_OUTPUT_HPP
