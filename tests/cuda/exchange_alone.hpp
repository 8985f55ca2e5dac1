// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

// One step's exchange of h among the CTAs of a group, `groups` of them at once.
struct ExchangeAlone {
  const char* through;
  int ctas, units, sequences;  // of a group; of a CTA; of a batch tile
  double kilobytes;            // of h
  int groups;
  double clocks;  // a step; negative where the device refused
};

std::vector<ExchangeAlone> exchanges_alone();
