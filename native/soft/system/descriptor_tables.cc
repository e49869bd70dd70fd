// SPDX-License-Identifier: BSD-2-Clause
// LGDT, LIDT, LLDT, LTR and their stores (SDM vol. 2).
#include "soft/families.h"
#include "soft/system/descriptor_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"

namespace tsbhyve::soft {

namespace {

void forbid_under_umip(Cpu* cpu, const Op* op) {
  if (cpu->cpl != 0 && (cpu->cr4 & cr4::UMIP)) raise(cpu, op, Vector::GP, 0);
}

/// LLDT, LTR and the like are #UD without protection.
void require_selectors(Cpu* cpu, const Op* op) {
  if (real_mode(cpu) || virtual8086(cpu)) raise(cpu, op, Vector::UD);
}

template <bool Interrupts>
void load_table(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  const bool wide = wide_operands(cpu);
  const u64 lin = memory_operand(cpu, op, wide ? 10 : 6, false);
  const u16 limit = load<u16>(cpu, op, lin);
  u64 base = wide ? load<u64>(cpu, op, lin + 2) : load<u32>(cpu, op, lin + 2);
  if (wide && !canonical(base)) raise(cpu, op, Vector::GP, 0);
  if (!wide && (op->bits & op_operand16)) base &= 0xffffff;
  (Interrupts ? cpu->idtr_base : cpu->gdtr_base) = base;
  (Interrupts ? cpu->idtr_limit : cpu->gdtr_limit) = limit;
  NEXT(cpu, op);
}

template <bool Interrupts>
void store_table(Cpu* cpu, const Op* op) {
  forbid_under_umip(cpu, op);
  const bool wide = wide_operands(cpu);
  const u32 size = wide ? 10 : 6;
  const u64 lin = memory_operand(cpu, op, size, true);
  probe_write(cpu, op, lin, size, op->segment);
  store<u16>(cpu, op, lin, Interrupts ? cpu->idtr_limit : cpu->gdtr_limit);
  const u64 base = Interrupts ? cpu->idtr_base : cpu->gdtr_base;
  if (wide) {
    store<u64>(cpu, op, lin + 2, base);
  } else {
    store<u32>(cpu, op, lin + 2, static_cast<u32>(base));
  }
  NEXT(cpu, op);
}

[[gnu::noinline]] void load_ldtr(Cpu* cpu, u16 selector) {
  if (is_null(selector)) {
    cpu->ldtr = null_segment(selector, 0);
    return;
  }
  Descriptor d;
  if ((selector & 4) || !find_descriptor(cpu, selector, d)) fault(cpu, Vector::GP, selector_error(selector));
  const u32 attributes = attributes_of(d);
  if ((attributes & (segment_user | 15)) != ldt) fault(cpu, Vector::GP, selector_error(selector));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector));
  cpu->ldtr = segment_of(d, selector);
}

[[gnu::noinline]] void load_task_register(Cpu* cpu, u16 selector) {
  if (is_null(selector)) fault(cpu, Vector::GP, 0);
  Descriptor d;
  if ((selector & 4) || !find_descriptor(cpu, selector, d)) fault(cpu, Vector::GP, selector_error(selector));
  const u32 attributes = attributes_of(d), type = attributes & (segment_user | 15);
  const bool available = type == available_tss32 || (type == available_tss16 && !long_mode(cpu));
  if (!available) fault(cpu, Vector::GP, selector_error(selector));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector));
  constexpr u64 busy = u64{2} << 40;
  store_system<u8>(cpu, d.address + 5, static_cast<u8>((d.low | busy) >> 40));
  d.low |= busy;
  cpu->tr = segment_of(d, selector);
}

template <bool Memory>
void lldt(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  require_kernel(cpu, op);
  cpu->current_op = op;
  load_ldtr(cpu, read_word<Memory>(cpu, op, op->destination));
  NEXT(cpu, op);
}

template <bool Memory>
void ltr(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  require_kernel(cpu, op);
  cpu->current_op = op;
  load_task_register(cpu, read_word<Memory>(cpu, op, op->destination));
  NEXT(cpu, op);
}

template <bool Memory>
void sldt(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  forbid_under_umip(cpu, op);
  write_selector<Memory>(cpu, op, cpu->ldtr.selector);
  NEXT(cpu, op);
}

template <bool Memory>
void str(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  forbid_under_umip(cpu, op);
  write_selector<Memory>(cpu, op, cpu->tr.selector);
  NEXT(cpu, op);
}

}  // namespace

void add_descriptor_tables(HandlerTable& table) {
  table.set(Opcode::Lgdt, [](const Instruction&, bool) -> Handler { return load_table<false>; });
  table.set(Opcode::Lidt, [](const Instruction&, bool) -> Handler { return load_table<true>; });
  table.set(Opcode::Sgdt, [](const Instruction&, bool) -> Handler { return store_table<false>; });
  table.set(Opcode::Sidt, [](const Instruction&, bool) -> Handler { return store_table<true>; });
  table.set(Opcode::Lldt,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? lldt<true> : lldt<false>; });
  table.set(Opcode::Ltr,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? ltr<true> : ltr<false>; });
  table.set(Opcode::Sldt,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? sldt<true> : sldt<false>; });
  table.set(Opcode::Str,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? str<true> : str<false>; });
}

}  // namespace tsbhyve::soft
