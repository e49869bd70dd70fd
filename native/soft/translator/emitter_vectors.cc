// SPDX-License-Identifier: BSD-2-Clause
// The guest's XMM registers. Each lies in memory at all times, so that whoever leaves translated code has nothing to
// do; within a row of code its home in a host register saves the way there.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

x86::Xmm Emitter::vector_of(u8 guest, const Xmm& spare) {
  const Xmm at = has_vector_home(guest) ? vector_home(guest) : spare;
  const u32 bit = 1u << guest;
  if (!(now.vectors & bit)) a.movaps(at, vector_slot(guest));
  if (has_vector_home(guest)) now.vectors |= bit;
  return at;
}

x86::Xmm Emitter::vector_for(u8 guest) { return has_vector_home(guest) ? vector_home(guest) : x86::xmm0; }

void Emitter::keep_vector(u8 guest, const Xmm& working) {
  a.movaps(vector_slot(guest), working);
  if (has_vector_home(guest)) now.vectors |= 1u << guest;
}

void Emitter::return_to(const Label& back, u32 vectors) {
  for (u8 guest = 0; vectors >> guest; guest++) {
    if (vectors >> guest & 1) a.movaps(vector_home(guest), vector_slot(guest));
  }
  a.jmp(back);
}

}  // namespace tsbhyve::soft
