// The hand-written loops, one function a model. Rows follow the model's order of declaration.
#pragma once

#include "sink.hpp"

namespace bench {

void Dedispersion(Sink& sink);
void ExpDist(Sink& sink);
void Hotspot(Sink& sink);
void MicroHH(Sink& sink);
void GemmKernelTuner(Sink& sink);
void GemmClTune(Sink& sink);
void GemmFull(Sink& sink);
void AtfPrl2(Sink& sink);
void AtfPrl4(Sink& sink);
void AtfPrl8(Sink& sink);

}  // namespace bench
