// The floor: for a model, the loops that a careful programmer would write for it alone.
#pragma once

#include <string>

#include "sink.hpp"

namespace bench {

using HandLoop = void (*)(Sink&);

// Null when no loops were written for the case.
HandLoop FindHandLoop(const std::string& case_name);

}  // namespace bench
