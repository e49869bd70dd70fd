// SPDX-License-Identifier: BSD-2-Clause
// What kernels do on their way in and out.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

/// SWAPGS (SDM vol. 2). At CPL 1 and 2, which the mode does not tell from 0, tier 1 raises the exception.
bool translate_swapgs(Emitter& e) {
  if (e.block->mode & mode_user) return false;
  const Mem base = field(offsetof(Cpu, segment) + GS * sizeof(Segment) + offsetof(Segment, base));
  e.clobber();
  e.begin_direct();
  e.a.cmp(field(offsetof(Cpu, cpl), 1), 0);
  e.a.jne(e.direct_slow());
  e.a.mov(t0, base);
  e.a.mov(t1, CPU_FIELD(msr.kernel_gs_base));
  e.a.mov(base, t1);
  e.a.mov(CPU_FIELD(msr.kernel_gs_base), t0);
  e.finish_direct();
  return true;
}

}  // namespace tsbhyve::soft
