// SPDX-License-Identifier: BSD-2-Clause
// DIV and IDIV where it is plain that they do not fault, BSF, BSR and POPCNT.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

bool translate_divide(Emitter& e) {
  const Operand& by = e.instruction->operands[0];
  const bool is_signed = e.instruction->opcode == Opcode::Idiv;
  const u32 size = by.size;
  if (size < 4 || (is_memory(by) && !e.can_address())) return false;
  if (e.live_after) {
    e.prepare_overlay(FlagOverlay::Divided);
    e.overwrite(RAX);
    e.overwrite(RDX);
  }
  e.begin_direct();
  e.clobber();
  Gp divisor = sized(t2, size);
  if (is_memory(by)) {
    e.address();
    const Mem at = e.direct(size, false, false);
    e.a.mov(divisor, at);
  } else {
    divisor = e.value_of(by.reg, size, t2);
  }
  const Gp low = sized(home(RAX), size), high = sized(home(RDX), size);
  if (is_signed) {
    // The dividend is no longer than the divisor, which is neither zero nor -1.
    const Gp spread = sized(t0, size), above = sized(t1, size);
    e.a.mov(spread, low);
    e.a.sar(spread, size * 8 - 1);
    e.a.cmp(spread, high);
    e.a.jne(e.direct_slow());
    e.a.lea(above, x86::ptr(divisor.r64(), 1));
    e.a.cmp(above, 1);
    e.a.jbe(e.direct_slow());
    e.a.idiv(divisor);
  } else {
    e.a.cmp(high, divisor);
    e.a.jae(e.direct_slow());
    e.a.div(divisor);
  }
  e.finish_direct();
  if (e.live_after)
    e.set_overlay(FlagOverlay::Divided, size);
  else
    e.drop_flags();
  return true;
}

bool translate_scan(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (to.size < 4 || !is_register(from)) return false;
  e.clobber();
  const Gp value = e.value_of(from.reg, to.size, t0), index = sized(t2, to.size);
  const asmjit::Label zero = e.a.newLabel(), done = e.a.newLabel();
  e.a.test(value, value);
  e.a.jz(zero);
  if (e.instruction->opcode == Opcode::Bsf)
    e.a.bsf(index, value);
  else
    e.a.bsr(index, value);
  if (has_home(to.reg))
    e.a.mov(sized(home(to.reg), to.size), index);
  else
    e.a.mov(slot(to.reg), t2);
  if (e.live_after) {
    e.a.test(t2.r8(), t2.r8());
    e.a.pushfq();
    e.a.pop(t1);
    e.a.and_(t1.r32(), static_cast<i32>(flag_pf));
    e.a.mov(CPU_FIELD(translated.captured), t1);
    e.a.jmp(done);
  }
  e.a.bind(zero);
  if (e.live_after) {
    e.a.mov(CPU_FIELD(translated.captured), static_cast<i32>(flag_zf | flag_pf));
    e.a.bind(done);
    e.set_flags(FlagOrigin::Captured, to.size, 0);
    e.now.uncaptured = false;
  } else {
    e.drop_flags();
  }
  return true;
}

bool translate_popcnt(Emitter& e) {
  static const bool has_popcnt = asmjit::CpuInfo::host().features().x86().hasPOPCNT();
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (!has_popcnt || to.size < 4 || !is_register(from)) return false;
  e.clobber();
  const Gp value = e.value_of(from.reg, to.size, t0);
  const Gp into = sized(has_home(to.reg) ? home(to.reg) : t2, to.size);
  e.a.popcnt(into, value);
  e.keep(to, into);
  if (e.live_after)
    e.set_flags(FlagOrigin::Captured, to.size);
  else
    e.drop_flags();
  return true;
}

}  // namespace tsbhyve::soft
