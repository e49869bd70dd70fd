// SPDX-License-Identifier: BSD-2-Clause
// Invalidation of translations; caches and fences, which have nothing to do here: guest memory is coherent and handlers
// run in program order.
#include "soft/families.h"
#include "soft/host/guest_access.h"
#include "soft/memory/mmu.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"

namespace tsbhyve::soft {

namespace {

void invlpg(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  // No segment limit counts here, and a non-canonical address is ignored (SDM vol. 2, INVLPG).
  u64 lin = effective_address(cpu, op);
  if (wide_operands(cpu)) {
    if (op->segment >= FS) lin += cpu->segment[op->segment].base;
  } else {
    lin = (lin + cpu->segment[op->segment].base) & 0xffffffff;
  }
  if (canonical(lin) || !wide_operands(cpu)) cpu->mmu->flush_page(lin);
  end_block(cpu, op);
}

[[gnu::noinline]] void invalidate(Cpu* cpu, u64 type, u64 pcid, u64 address) {
  const bool tagged = cpu->cr4 & cr4::PCIDE;
  if (type > 3 || pcid > 0xfff || (type < 2 && !tagged && pcid != 0)) fault(cpu, Vector::GP, 0);
  switch (type) {
    case 0:
      if (!canonical(address)) fault(cpu, Vector::GP, 0);
      return cpu->mmu->flush_page_of_pcid(address, static_cast<u16>(pcid));
    case 1: return cpu->mmu->flush_pcid(static_cast<u16>(pcid), true);
    case 2: return cpu->mmu->flush_all(false);
    default: return cpu->mmu->flush_all(true);
  }
}

void invpcid(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  const u64 lin = memory_operand(cpu, op, 16, false);
  const u64 pcid = load<u64>(cpu, op, lin), address = load<u64>(cpu, op, lin + 8);
  const u64 type = wide_operands(cpu) ? read_gpr<u64>(cpu, op->destination) : read_gpr<u32>(cpu, op->destination);
  cpu->current_op = op;
  invalidate(cpu, type, pcid, address);
  end_block(cpu, op);
}

void write_back(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  NEXT(cpu, op);
}

void clflush(Cpu* cpu, const Op* op) {
  probe_read(cpu, op, memory_operand(cpu, op, 1, false), 1, op->segment);
  NEXT(cpu, op);
}

void no_effect(Cpu* cpu, const Op* op) { NEXT(cpu, op); }

void fence(Cpu* cpu, const Op* op) {
  host::full_fence();
  NEXT(cpu, op);
}

/// Of the fences only this one keeps loads from overtaking stores, the one thing that they do here too.
Handler select_mfence(const Instruction& instruction, bool) { return instruction.threaded ? fence : no_effect; }

}  // namespace

void add_translation(HandlerTable& table) {
  table.set(Opcode::Invlpg, [](const Instruction&, bool) -> Handler { return invlpg; });
  table.set(Opcode::Invpcid, [](const Instruction&, bool) -> Handler { return invpcid; });
  table.set(Opcode::Clflush, [](const Instruction&, bool) -> Handler { return clflush; });
  for (const Opcode opcode : {Opcode::Wbinvd, Opcode::Invd}) {
    table.set(opcode, [](const Instruction&, bool) -> Handler { return write_back; });
  }
  for (const Opcode opcode : {Opcode::Prefetch, Opcode::Lfence, Opcode::Sfence}) {
    table.set(opcode, [](const Instruction&, bool) -> Handler { return no_effect; });
  }
  table.set(Opcode::Mfence, select_mfence);
}

}  // namespace tsbhyve::soft
