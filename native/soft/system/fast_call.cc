// SPDX-License-Identifier: BSD-2-Clause
// SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS, as Intel processors do them (SDM vol. 2).
#include <utility>

#include "soft/families.h"
#include "soft/flags.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

// Accessed read/execute code and read/write data, present, granular.
constexpr u32 flat_code64 = 0xa09b, flat_code32 = 0xc09b, flat_data = 0xc093;

Segment flat_segment(u64 selector, u32 attributes, u8 dpl) {
  return {0, 0xffffffff, attributes | (u32{dpl} << 5), static_cast<u16>((selector & 0xfffc) | dpl)};
}

/// Flat CS and SS without a look at the descriptor tables.
void enter_flat(Cpu* cpu, u64 code_selector, u64 stack_selector, bool code_is_64, u8 cpl, u64 rip) {
  cpu->segment[SS] = flat_segment(stack_selector, flat_data, cpl);
  enter_code(cpu, flat_segment(code_selector, code_is_64 ? flat_code64 : flat_code32, cpl), rip, cpl);
}

void syscall(Cpu* cpu, const Op* op) {
  if (!code64(cpu) || !(cpu->efer & efer::SCE)) raise(cpu, op, Vector::UD);
  const u64 flags = read_rflags(cpu);
  cpu->gpr[RCX] = next_rip(cpu, op);
  cpu->gpr[11] = flags & ~rflags::RF;
  cpu->rflags = (flags & ~(cpu->msr.sfmask | rflags::RF)) | 2;
  cpu->lazy.kind = static_cast<u32>(FlagKind::Eager);
  const u64 selector = (cpu->msr.star >> 32) & 0xfffc;
  enter_flat(cpu, selector, selector + 8, true, 0, cpu->msr.lstar);
}

void sysret(Cpu* cpu, const Op* op) {
  if (!code64(cpu) || !(cpu->efer & efer::SCE)) raise(cpu, op, Vector::UD);
  require_kernel(cpu, op);
  const bool to_64 = op->bits & op_rex_w;
  const u64 rip = to_64 ? cpu->gpr[RCX] : cpu->gpr[RCX] & 0xffffffff;
  if (!canonical(rip)) raise(cpu, op, Vector::GP, 0);
  cpu->rflags = (cpu->gpr[11] & 0x3c7fd7) | 2;
  cpu->lazy.kind = static_cast<u32>(FlagKind::Eager);
  const u64 selector = cpu->msr.star >> 48;
  enter_flat(cpu, selector + (to_64 ? 16 : 0), selector + 8, to_64, 3, rip);
}

void sysenter(Cpu* cpu, const Op* op) {
  if (real_mode(cpu) || is_null(static_cast<u16>(cpu->msr.sysenter_cs))) raise(cpu, op, Vector::GP, 0);
  cpu->rflags &= ~(rflags::VM | rflags::IF | rflags::RF);
  const bool wide = long_mode(cpu);
  const u64 width = wide ? ~u64{0} : 0xffffffff;
  cpu->gpr[RSP] = cpu->msr.sysenter_esp & width;
  enter_flat(cpu, cpu->msr.sysenter_cs, cpu->msr.sysenter_cs + 8, wide, 0, cpu->msr.sysenter_eip & width);
}

void sysexit(Cpu* cpu, const Op* op) {
  if (real_mode(cpu) || cpu->cpl != 0 || is_null(static_cast<u16>(cpu->msr.sysenter_cs))) {
    raise(cpu, op, Vector::GP, 0);
  }
  const bool to_64 = op->bits & op_rex_w;
  const u64 width = to_64 ? ~u64{0} : 0xffffffff;
  const u64 rip = cpu->gpr[RDX] & width, rsp = cpu->gpr[RCX] & width;
  if (!canonical(rip) || !canonical(rsp)) raise(cpu, op, Vector::GP, 0);
  cpu->gpr[RSP] = rsp;
  const u64 selector = cpu->msr.sysenter_cs + (to_64 ? 32 : 16);
  enter_flat(cpu, selector, selector + 8, to_64, 3, rip);
}

void swapgs(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  std::swap(cpu->segment[GS].base, cpu->msr.kernel_gs_base);
  NEXT(cpu, op);
}

}  // namespace

void add_fast_call(HandlerTable& table) {
  table.set(Opcode::Syscall, [](const Instruction&, bool) -> Handler { return syscall; });
  table.set(Opcode::Sysret, [](const Instruction&, bool) -> Handler { return sysret; });
  table.set(Opcode::Sysenter, [](const Instruction&, bool) -> Handler { return sysenter; });
  table.set(Opcode::Sysexit, [](const Instruction&, bool) -> Handler { return sysexit; });
  table.set(Opcode::Swapgs, [](const Instruction&, bool) -> Handler { return swapgs; });
}

}  // namespace tsbhyve::soft
