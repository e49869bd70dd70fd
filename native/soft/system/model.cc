// SPDX-License-Identifier: BSD-2-Clause
// Handlers of CPUID, RDMSR, WRMSR, the time-stamp counter, and the FS and GS bases.
#include "soft/system/model.h"

#include "soft/device_access.h"
#include "soft/families.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"
#include "soft/system/system.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

void write_pair(Cpu* cpu, u64 value) {
  cpu->gpr[RAX] = value & 0xffffffff;
  cpu->gpr[RDX] = value >> 32;
}

[[gnu::noinline]] void answer_cpuid(Cpu* cpu) {
  const CpuidLeaf answer = read_cpuid(cpu, static_cast<u32>(cpu->gpr[RAX]), static_cast<u32>(cpu->gpr[RCX]));
  cpu->gpr[RAX] = answer.eax;
  cpu->gpr[RBX] = answer.ebx;
  cpu->gpr[RCX] = answer.ecx;
  cpu->gpr[RDX] = answer.edx;
}

void cpuid(Cpu* cpu, const Op* op) {
  answer_cpuid(cpu);
  serialize(cpu);
  if (cpu->threaded) return end_block(cpu, op);
  NEXT(cpu, op);
}

[[gnu::noinline]] u64 read_msr(Cpu* cpu, const Op* op, u32 index) {
  u64 value = 0;
  if (msr_read(cpu, index, retired_before(cpu, op), value)) return value;
  if (owns_msr(index)) raise(cpu, op, Vector::GP, 0);
  require_single(cpu, op);
  const DeviceAccess answer = device_access(cpu, AccessKind::Msr, index, 8, false, 0);
  if (answer.refused) raise(cpu, op, Vector::GP, 0);
  return answer.value;
}

[[gnu::noinline]] void write_msr(Cpu* cpu, const Op* op, u32 index, u64 value) {
  if (msr_write(cpu, index, retired_before(cpu, op), value)) return;
  if (owns_msr(index)) raise(cpu, op, Vector::GP, 0);
  require_single(cpu, op);
  if (device_access(cpu, AccessKind::Msr, index, 8, true, value).refused) raise(cpu, op, Vector::GP, 0);
}

void rdmsr(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->current_op = op;
  write_pair(cpu, read_msr(cpu, op, static_cast<u32>(cpu->gpr[RCX])));
  end_block(cpu, op);
}

void wrmsr(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->current_op = op;
  write_msr(cpu, op, static_cast<u32>(cpu->gpr[RCX]), (cpu->gpr[RDX] << 32) | (cpu->gpr[RAX] & 0xffffffff));
  end_block(cpu, op);
}

void require_tsc(Cpu* cpu, const Op* op) {
  if (cpu->cpl != 0 && (cpu->cr4 & cr4::TSD)) raise(cpu, op, Vector::GP, 0);
}

void rdtsc(Cpu* cpu, const Op* op) {
  require_tsc(cpu, op);
  write_pair(cpu, cpu->platform->tsc(retired_before(cpu, op)));
  NEXT(cpu, op);
}

void rdtscp(Cpu* cpu, const Op* op) {
  require_tsc(cpu, op);
  write_pair(cpu, cpu->platform->tsc(retired_before(cpu, op)));
  cpu->gpr[RCX] = cpu->msr.tsc_aux & 0xffffffff;
  NEXT(cpu, op);
}

/// No performance counters (CPUID leaf 0Ah): every number is out of range.
void rdpmc(Cpu* cpu, const Op* op) { raise(cpu, op, Vector::GP, 0); }

void require_base_access(Cpu* cpu, const Op* op) {
  if (!(cpu->cr4 & cr4::FSGSBASE)) raise(cpu, op, Vector::UD);
}

template <u8 Register>
void read_base(Cpu* cpu, const Op* op) {
  require_base_access(cpu, op);
  const u64 base = cpu->segment[Register].base;
  write_gpr<u64>(cpu, op->destination, op->bits & op_rex_w ? base : base & 0xffffffff);
  NEXT(cpu, op);
}

template <u8 Register>
void write_base(Cpu* cpu, const Op* op) {
  require_base_access(cpu, op);
  const u64 base = op->bits & op_rex_w ? read_gpr<u64>(cpu, op->destination) : read_gpr<u32>(cpu, op->destination);
  if (!canonical(base)) raise(cpu, op, Vector::GP, 0);
  cpu->segment[Register].base = base;
  NEXT(cpu, op);
}

}  // namespace

void add_model(HandlerTable& table) {
  table.set(Opcode::Cpuid, [](const Instruction&, bool) -> Handler { return cpuid; });
  table.set(Opcode::Rdmsr, [](const Instruction&, bool) -> Handler { return rdmsr; });
  table.set(Opcode::Wrmsr, [](const Instruction&, bool) -> Handler { return wrmsr; });
  table.set(Opcode::Rdtsc, [](const Instruction&, bool) -> Handler { return rdtsc; });
  table.set(Opcode::Rdtscp, [](const Instruction&, bool) -> Handler { return rdtscp; });
  table.set(Opcode::Rdpmc, [](const Instruction&, bool) -> Handler { return rdpmc; });
  table.set(Opcode::Rdfsbase, [](const Instruction&, bool) -> Handler { return read_base<FS>; });
  table.set(Opcode::Rdgsbase, [](const Instruction&, bool) -> Handler { return read_base<GS>; });
  table.set(Opcode::Wrfsbase, [](const Instruction&, bool) -> Handler { return write_base<FS>; });
  table.set(Opcode::Wrgsbase, [](const Instruction&, bool) -> Handler { return write_base<GS>; });
}

}  // namespace tsbhyve::soft
