// Pruned nested loops for the auto-tuning spaces. Each one tests a rule as soon as its variables
// are known and leaves a loop as soon as no later value can pass; none calls a solver.
// Definitions and counts: see models/*.constrint, which name their sources.
#include "hand_spaces.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace bench {
namespace {

using Int = std::int64_t;

std::vector<Int> Multiples(Int step, Int first, Int last) {
  std::vector<Int> values;
  for (Int i = first; i <= last; ++i) values.push_back(step * i);
  return values;
}

}  // namespace

void Dedispersion(Sink& sink) {
  const std::array<Int, 6> block_x = {1, 2, 4, 8, 16, 32};
  const std::vector<Int> block_y = Multiples(8, 4, 32);
  for (const Int bx : block_x) {
    for (const Int by : block_y) {
      const Int threads = bx * by;
      if (threads > 1024) break;
      if (threads < 32) continue;
      for (Int tx = 1; tx <= 4; ++tx) {
        for (Int ty = 1; ty <= 8; ++ty) {
          for (Int sx = 0; sx <= (tx > 1 ? 1 : 0); ++sx) {
            for (Int sy = 0; sy <= (ty > 1 ? 1 : 0); ++sy) {
              const Int row[] = {bx, by, 1, tx, ty, sx, sy, 0};
              sink(row, 8);
            }
          }
        }
      }
    }
  }
}

void ExpDist(Sink& sink) {
  for (Int bx = 32; bx <= 1024; bx *= 2) {
    for (Int by = 1; by <= 32 && bx * by <= 1024; by *= 2) {
      for (Int tx = 1; tx <= 8; ++tx) {
        for (Int ux = 1; ux <= tx; ++ux) {
          if (tx % ux != 0) continue;
          for (Int ty = 1; ty <= 8; ++ty) {
            for (Int uy = 1; uy <= ty; ++uy) {
              if (ty % uy != 0) continue;
              for (Int column = 0; column <= 1; ++column) {
                const Int last_shared = column == 0 ? 1 : 2;
                const Int last_blocks = column == 0 ? 1 : 1024;
                for (Int shared = 0; shared <= last_shared; ++shared) {
                  for (Int blocks = 1; blocks <= last_blocks; blocks *= 2) {
                    const Int row[] = {bx, by, tx, ty, shared, ux, uy, column, 0, blocks};
                    sink(row, 10);
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

void Hotspot(Sink& sink) {
  std::vector<Int> block_x = {1, 2, 4, 8, 16};
  for (const Int v : Multiples(32, 1, 32)) block_x.push_back(v);
  for (const Int bx : block_x) {
    for (Int by = 1; by <= 32; by *= 2) {
      const Int threads = bx * by;
      if (threads > 1024) break;
      if (threads < 32) continue;
      for (Int tx = 1; tx <= 10; ++tx) {
        for (Int ty = 1; ty <= 10; ++ty) {
          for (Int time = 1; time <= 10; ++time) {
            const Int cells = (bx * tx + 2 * time) * (by * ty + 2 * time) * 4;
            if (cells * 2 > 49152) break;
            for (Int power = 0; power <= 1; ++power) {
              const Int bytes = cells * (2 + power);
              if (bytes > 49152) break;
              for (Int per_sm = 0; per_sm <= 4 && bytes * per_sm <= 102400; ++per_sm) {
                for (Int unroll = 1; unroll <= time; ++unroll) {
                  if (time % unroll != 0) continue;
                  const Int row[] = {4096, 4096, bx, by, tx, ty, time, 10, unroll, power, per_sm};
                  sink(row, 11);
                }
              }
            }
          }
        }
      }
    }
  }
}

void MicroHH(Sink& sink) {
  const std::array<Int, 10> block_x = {1, 2, 4, 8, 16, 32, 128, 256, 512, 1024};
  for (const Int bx : block_x) {
    for (Int by = 1; by <= 32; by *= 2) {
      for (Int bz = 1; bz <= 4; bz *= 2) {
        const Int threads = bx * by * bz;
        if (threads < 32) continue;
        if (threads > 1536) break;
        for (Int per_mp = 0; per_mp <= 4 && threads * per_mp <= 1024; ++per_mp) {
          for (Int tx = 1; tx <= 8; tx *= 2) {
            for (Int ty = 1; ty <= 4; ty *= 2) {
              for (Int tz = 1; tz <= 4; tz *= 2) {
                // All are powers of two, so what divides is what is not larger.
                for (Int ux = 1; ux <= tx; ux *= 2) {
                  for (Int uy = 1; uy <= ty; uy *= 2) {
                    for (Int uz = 1; uz <= tz; uz *= 2) {
                      const Int row[] = {0, 0, 0, bx, by, bz, tx, ty, tz, ux, uy, uz, per_mp};
                      sink(row, 13);
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

namespace {

struct GemmSpace {
  Int last_wg;      // largest MWG and NWG
  Int first_k;      // smallest KWG
  Int last_vector;  // largest VWM and VWN
  Int last_stride;  // largest STRM and STRN
};

// The columns are those of the largest variant; smaller ones hold some of them at one value.
void Gemm(const GemmSpace& s, Sink& sink) {
  const std::array<Int, 3> dims = {8, 16, 32};
  for (Int mwg = 16; mwg <= s.last_wg; mwg *= 2) {
    for (Int nwg = 16; nwg <= s.last_wg; nwg *= 2) {
      for (Int kwg = s.first_k; kwg <= 32; kwg *= 2) {
        for (const Int mdimc : dims) {
          if (mwg % mdimc != 0) break;
          for (const Int ndimc : dims) {
            if (nwg % ndimc != 0) break;
            if (mwg == 128 && nwg == 128 && mdimc == 8 && ndimc == 8) continue;
            for (const Int mdima : dims) {
              if (mwg % mdima != 0) break;
              if (kwg % (mdimc * ndimc / mdima) != 0) continue;
              for (const Int ndimb : dims) {
                if (nwg % ndimb != 0) break;
                if (kwg % (mdimc * ndimc / ndimb) != 0) continue;
                for (Int vwm = 1; vwm <= s.last_vector; vwm *= 2) {
                  if (mwg % (mdimc * vwm) != 0 || mwg % (mdima * vwm) != 0) break;
                  for (Int vwn = 1; vwn <= s.last_vector; vwn *= 2) {
                    if (nwg % (ndimc * vwn) != 0 || nwg % (ndimb * vwn) != 0) break;
                    for (Int strm = 0; strm <= s.last_stride; ++strm) {
                      for (Int strn = 0; strn <= s.last_stride; ++strn) {
                        for (Int sa = 0; sa <= 1; ++sa) {
                          for (Int sb = 0; sb <= 1; ++sb) {
                            const Int row[] = {mwg, nwg, kwg,  mdimc, ndimc, mdima, ndimb, 2,
                                               vwm, vwn, strm, strn,  sa,    sb,    32};
                            sink(row, 15);
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

// One dimension of the record-linkage kernel: cache blocks, work groups, work items.
struct PrlDim {
  Int l_cb, p_cb, wg, wi;
};

std::vector<PrlDim> PrlDims(Int size, bool reduction) {
  std::vector<PrlDim> dims;
  for (Int l_cb = 1; l_cb <= size; ++l_cb) {
    if (size % l_cb != 0) continue;
    for (Int p_cb = 1; p_cb <= l_cb; ++p_cb) {
      if (l_cb % p_cb != 0) continue;
      for (Int wg = 1; wg <= size / l_cb; ++wg) {
        if ((size / l_cb) % wg != 0) continue;
        if (reduction && wg != 1 && wg % l_cb != 0) continue;
        for (Int wi = 1; wi <= l_cb / p_cb && wi <= size + wg - 1; ++wi) {
          if ((l_cb / p_cb) % wi == 0) dims.push_back({l_cb, p_cb, wg, wi});
        }
      }
    }
  }
  return dims;
}

// The two dimensions meet only in which of them is the outer one, so each is listed once.
void AtfPrl(Int size, Sink& sink) {
  const std::vector<PrlDim> left = PrlDims(size, false);
  const std::vector<PrlDim> right = PrlDims(size, true);
  for (Int cache_l = 0; cache_l <= 1; ++cache_l) {
    for (Int cache_p = 0; cache_p <= 1; ++cache_p) {
      for (Int l_dest = 0; l_dest <= 2; ++l_dest) {
        for (Int p_dest = 0; p_dest <= l_dest; ++p_dest) {
          for (const PrlDim& l : left) {
            for (const PrlDim& r : right) {
              for (Int dim_l = 0; dim_l <= 1; ++dim_l) {
                const Int row[] = {cache_l,   cache_p, 2,    l_dest, p_dest, size,   l.l_cb,
                                   l.p_cb,    dim_l,   l.wg, l.wi,   size,   r.l_cb, r.p_cb,
                                   1 - dim_l, r.wg,    r.wi, 1,      0,      1};
                sink(row, 20);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

void GemmKernelTuner(Sink& sink) { Gemm({128, 32, 8, 0}, sink); }
void GemmClTune(Sink& sink) { Gemm({64, 32, 4, 0}, sink); }
void GemmFull(Sink& sink) { Gemm({128, 16, 8, 1}, sink); }
void AtfPrl2(Sink& sink) { AtfPrl(2, sink); }
void AtfPrl4(Sink& sink) { AtfPrl(4, sink); }
void AtfPrl8(Sink& sink) { AtfPrl(8, sink); }

}  // namespace bench
