// Hand-written loops for the wide models.
#pragma once

#include "sink.hpp"

namespace bench {

void WideProduct3(Sink& sink);
void WideProduct3Large(Sink& sink);
void WideChain2(Sink& sink);
void WideFour(Sink& sink);
void WideSemiprime(Sink& sink);
void WideTiling(Sink& sink);
void WideRemainders(Sink& sink);
void WideRest(Sink& sink);
void WideSquares(Sink& sink);
void WideMultiples(Sink& sink);
void WideLinked(Sink& sink);

}  // namespace bench
