// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/task_switch.h"

#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/memory/mmu.h"
#include "soft/system/fault.h"
#include "soft/system/paging_mode.h"
#include "soft/system/segments.h"
#include "soft/system/system.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

namespace {

/// Where a TSS keeps its fields (SDM vol. 3, figures 7-2 and 7-10).
struct Layout {
  u32 width;     // of registers
  u32 cr3;       // 0: none
  u32 eip;       // then flags and the eight general registers
  u32 segments;  // ES, CS, SS, DS (, FS, GS)
  u32 segment_count;
  u32 ldt;
  u32 last;  // lowest limit
};
constexpr Layout layout16{2, 0, 14, 34, 4, 42, 0x2b};
constexpr Layout layout32{4, 28, 32, 72, 6, 96, 0x67};

const Layout& layout_of(u32 attributes) { return attributes & 8 ? layout32 : layout16; }

struct TaskState {
  u64 cr3;
  u64 eip, flags;
  u64 gpr[8];
  u16 segment[6];
  u16 ldt;
};

u64 load_field(Cpu* cpu, u64 lin, u32 width) {
  return width == 2 ? load_system<u16>(cpu, lin) : load_system<u32>(cpu, lin);
}

void store_field(Cpu* cpu, u64 lin, u64 value, u32 width) {
  if (width == 2) {
    store_system<u16>(cpu, lin, static_cast<u16>(value));
  } else {
    store_system<u32>(cpu, lin, static_cast<u32>(value));
  }
}

TaskState load_state(Cpu* cpu, const Segment& tss) {
  const Layout& layout = layout_of(tss.attributes);
  TaskState state{};
  if (layout.cr3) state.cr3 = load_field(cpu, tss.base + layout.cr3, 4);
  state.eip = load_field(cpu, tss.base + layout.eip, layout.width);
  state.flags = load_field(cpu, tss.base + layout.eip + layout.width, layout.width);
  for (u32 i = 0; i < 8; i++)
    state.gpr[i] = load_field(cpu, tss.base + layout.eip + (2 + i) * layout.width, layout.width);
  for (u32 i = 0; i < layout.segment_count; i++) {
    state.segment[i] = load_system<u16>(cpu, tss.base + layout.segments + i * layout.width);
  }
  state.ldt = load_system<u16>(cpu, tss.base + layout.ldt);
  return state;
}

void save_state(Cpu* cpu, u64 flags) {
  const Layout& layout = layout_of(cpu->tr.attributes);
  const u64 base = cpu->tr.base;
  store_field(cpu, base + layout.eip, cpu->rip, layout.width);
  store_field(cpu, base + layout.eip + layout.width, flags, layout.width);
  for (u32 i = 0; i < 8; i++) store_field(cpu, base + layout.eip + (2 + i) * layout.width, cpu->gpr[i], layout.width);
  for (u32 i = 0; i < layout.segment_count; i++) {
    store_system<u16>(cpu, base + layout.segments + i * layout.width, cpu->segment[i].selector);
  }
}

void set_busy(Cpu* cpu, u16 selector, bool busy) {
  const u64 at = ((cpu->gdtr_base + (selector & 0xfff8u)) & 0xffffffff) + 5;
  const u8 byte = load_system<u8>(cpu, at);
  store_system<u8>(cpu, at, static_cast<u8>(busy ? byte | 2 : byte & ~2));
}

Segment checked_tss(Cpu* cpu, u16 selector, TaskSwitch reason, u32 external) {
  // Only a bad link field is #TS; JMP, CALL and events blame the selector (SDM vol. 2, INT n and IRET).
  const u8 vector = reason == TaskSwitch::Return ? Vector::TS : Vector::GP;
  if (selector & 4) fault(cpu, vector, selector_error(selector, external));
  const Descriptor d = fetch_descriptor(cpu, selector, vector, external);
  const u8 type = system_type(d) & 7;
  const u8 wanted = reason == TaskSwitch::Return ? busy_tss16 : available_tss16;
  if ((attributes_of(d) & segment_user) || type != wanted) fault(cpu, vector, selector_error(selector, external));
  if (!(attributes_of(d) & segment_present)) fault(cpu, Vector::NP, selector_error(selector, external));
  Segment tss = segment_of(d, selector);
  if (tss.limit < layout_of(tss.attributes).last) fault(cpu, Vector::TS, selector_error(selector, external));
  tss.attributes |= 2;
  return tss;
}

void load_task_ldt(Cpu* cpu, u16 selector, u32 external) {
  cpu->ldtr = null_segment(selector, 0);
  if (is_null(selector)) return;
  Descriptor d;
  const bool found = !(selector & 4) && find_descriptor(cpu, selector, d);
  if (!found || (attributes_of(d) & (segment_user | segment_present | 15)) != (segment_present | ldt)) {
    fault(cpu, Vector::TS, selector_error(selector, external));
  }
  cpu->ldtr = segment_of(d, selector);
}

/// Code segment of the new task; its RPL is the new CPL.
Segment checked_task_code(Cpu* cpu, u16 selector, u32 external) {
  if (is_null(selector)) fault(cpu, Vector::TS, external);
  Descriptor d = fetch_descriptor(cpu, selector, Vector::TS, external);
  const u32 attributes = attributes_of(d);
  const u8 dpl = dpl_of(attributes), rpl = rpl_of(selector);
  const bool allowed = is_conforming(attributes) ? dpl <= rpl : dpl == rpl;
  if (!is_code(attributes) || !allowed) fault(cpu, Vector::TS, selector_error(selector, external));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector, external));
  mark_accessed(cpu, d);
  return segment_of(d, selector);
}

void load_task_segments(Cpu* cpu, const TaskState& state, u32 external) {
  if (virtual8086(cpu)) {
    constexpr u32 attributes_8086 = segment_present | 0x60 | segment_user | type_writable | type_accessed;
    for (u8 reg = 0; reg < 6; reg++)
      cpu->segment[reg] = segment_of_paragraph(state.segment[reg], 0xffff, attributes_8086);
    return enter_code(cpu, cpu->segment[CS], state.eip & 0xffff, 3);
  }
  // Until each is checked the segments are unusable, so that a fault is delivered with the new selectors.
  for (u8 reg = 0; reg < 6; reg++) cpu->segment[reg] = null_segment(state.segment[reg], 0);
  const Segment code = checked_task_code(cpu, state.segment[CS], external);
  const u8 cpl = rpl_of(state.segment[CS]);
  cpu->cpl = cpl;
  cpu->segment[SS] = checked_stack_segment(cpu, state.segment[SS], cpl, Vector::TS, external);
  enter_code(cpu, code, state.eip, cpl);
  for (const u8 reg : {ES, DS, FS, GS}) load_data_segment(cpu, reg, state.segment[reg], Vector::TS, external);
  check_code_offset(cpu, code, state.eip, external);
}

}  // namespace

void switch_task(Cpu* cpu, u16 selector, TaskSwitch reason, u32 external) {
  const Segment tss = checked_tss(cpu, selector, reason, external);
  const u16 old_selector = cpu->tr.selector;
  const bool nests = reason == TaskSwitch::Call || reason == TaskSwitch::Event;
  const TaskState state = load_state(cpu, tss);
  // From here on nothing faults until the new task's state is complete.
  probe_write_system(cpu, cpu->tr.base, layout_of(cpu->tr.attributes).last + 1);
  if (nests) probe_write_system(cpu, tss.base, 2);
  const u64 old_flags = read_rflags(cpu);
  save_state(cpu, reason == TaskSwitch::Return ? old_flags & ~rflags::NT : old_flags);
  if (!nests) set_busy(cpu, old_selector, false);
  if (reason != TaskSwitch::Return) set_busy(cpu, selector, true);
  if (nests) store_system<u16>(cpu, tss.base, old_selector);

  cpu->tr = tss;
  cpu->cr0 |= cr0::TS;
  if (layout_of(tss.attributes).cr3 && (cpu->cr0 & cr0::PG)) load_task_cr3(cpu, state.cr3);
  cpu->dr7 &= ~u64{0x155};  // local breakpoints end with the task
  cpu->rflags = (state.flags & 0x3f7fd7) | 2 | (nests ? rflags::NT : 0);
  cpu->lazy.kind = static_cast<u32>(FlagKind::Eager);
  for (u32 i = 0; i < 8; i++)
    cpu->gpr[i] = layout_of(tss.attributes).width == 2 ? state.gpr[i] | 0xffff0000 : state.gpr[i];
  cpu->rip = state.eip;
  cpu->current_op = nullptr;  // faults from now on belong to the new task's first instruction
  load_task_ldt(cpu, state.ldt, external);
  load_task_segments(cpu, state, external);
  if (tss.attributes & 8 && load_system<u16>(cpu, tss.base + 100) & 1) cpu->pending_debug |= 1u << 15;  // T: DR6.BT
}

void push_task_error(Cpu* cpu, u32 error) {
  TransferStack stack(cpu);
  stack.push(cpu, error, cpu->tr.attributes & 8 ? 4 : 2);
  cpu->gpr[RSP] = stack.merged_pointer(cpu->gpr[RSP]);
}

}  // namespace tsbhyve::soft
