// SPDX-License-Identifier: BSD-2-Clause
// REP MOVS and REP STOS. Without REP, and for the others, tier 1 does each.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

bool translate_string(Emitter& e) {
  if (e.instruction->repeat == Repeat::None) return false;
  e.run_string(e.instruction->opcode == Opcode::Movs);
  return true;
}

}  // namespace tsbhyve::soft
