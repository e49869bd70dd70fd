// SPDX-License-Identifier: BSD-2-Clause
// State after RESET and INIT (SDM vol. 3, table 9-1).
#include <algorithm>
#include <iterator>

#include "soft/host/rounding.h"
#include "soft/memory/mmu.h"
#include "soft/platform.h"
#include "soft/system/descriptor.h"
#include "soft/system/model.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 data_attributes = segment_present | segment_user | type_writable | type_accessed;
constexpr u32 code_attributes = data_attributes | type_code;
constexpr u64 cr0_reset = 0x60000010, cr0_cache_bits = 0x60000000;

void reset_segments(Cpu* cpu) {
  std::fill(std::begin(cpu->segment), std::end(cpu->segment), Segment{0, 0xffff, data_attributes, 0});
  cpu->segment[CS] = {0xffff0000, 0xffff, code_attributes, 0xf000};
  cpu->ldtr = {0, 0xffff, segment_present | ldt, 0};
  cpu->tr = {0, 0xffff, segment_present | busy_tss32, 0};
  cpu->gdtr_base = cpu->idtr_base = 0;
  cpu->gdtr_limit = cpu->idtr_limit = 0xffff;
}

void reset_events(Cpu* cpu) {
  cpu->run_state = RunState::Running;
  cpu->interrupt_shadow = cpu->debug_shadow = false;
  cpu->nmi_pending = cpu->nmi_blocked = false;
  cpu->init_pending = false;
  cpu->pending_debug = 0;
  cpu->answered_count = cpu->answered_used = 0;
}

/// What INIT leaves alone. A SIPI that has followed it already counts.
void reset_only(Cpu* cpu) {
  forget_sipi(cpu);
  std::fill(std::begin(cpu->xmm), std::end(cpu->xmm), Xmm{});
  cpu->mxcsr = 0x1f80;
  cpu->xcr0 = xcr0_x87;
  host::load_guest_rounding(cpu->mxcsr);
  cpu->fpu = {};
  cpu->fpu.control = 0x40;  // FNINIT makes it 37Fh
  cpu->fpu.empty = 0;
  const u64 platform_info = cpu->msr.platform_info, revision = cpu->msr.microcode_revision;
  cpu->msr = {};
  cpu->msr.platform_info = platform_info;
  cpu->msr.microcode_revision = revision;
  cpu->platform->tsc_offset = 0;
}

}  // namespace

void reset_cpu(Cpu* cpu, bool init_only) {
  std::fill(std::begin(cpu->gpr), std::end(cpu->gpr), 0);
  cpu->gpr[RDX] = cpu->platform->cpuid(1, 0).eax;
  cpu->rip = 0xfff0;
  cpu->rflags = 2;
  cpu->lazy = {};
  cpu->cpl = 0;
  reset_segments(cpu);
  cpu->cr0 = init_only ? (cr0_reset & ~cr0_cache_bits) | (cpu->cr0 & cr0_cache_bits) : cr0_reset;
  cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
  std::fill(std::begin(cpu->dr), std::end(cpu->dr), 0);
  cpu->dr6 = 0xffff0ff0;
  cpu->dr7 = 0x400;
  std::fill(std::begin(cpu->pdpte), std::end(cpu->pdpte), 0);
  reset_events(cpu);
  if (!init_only) reset_only(cpu);
  cpu->mode = 0;
  cpu->mmu->flush_all(false);
  cpu->mmu->drop_fast();
  update_mode(cpu);
}

}  // namespace tsbhyve::soft
