// SPDX-License-Identifier: BSD-2-Clause
// XSAVE and XRSTOR in their standard form, of x87 and SSE (SDM volume 1, 13.7 and 13.8). Which components are in their
// initial state is not tracked: all count as in use.
#include "soft/system/model.h"
#include "soft/x87/groups.h"
#include "soft/x87/image.h"

namespace tsbhyve::soft::x87 {

namespace {

constexpr u32 area_bytes = image_bytes + 64;
// Of the header (SDM volume 1, 13.4.2).
constexpr u32 in_use_at = image_bytes, compaction_at = in_use_at + 8, reserved_at = in_use_at + 16;

u64 area_address(Cpu* cpu, const Op* op, bool is_write) {
  if (!(cpu->cr4 & cr4::OSXSAVE)) raise(cpu, op, Vector::UD);
  if (cpu->cr0 & cr0::TS) raise(cpu, op, Vector::NM);
  const u64 lin = operand_address(cpu, op, area_bytes, is_write);
  if (lin & 63) raise(cpu, op, Vector::GP, 0);
  return lin;
}

/// The instruction's components: what the operating system has enabled of what EDX:EAX asks for.
u64 components(const Cpu* cpu) { return cpu->xcr0 & cpu->gpr[RAX]; }

u32 xmm_count(const Cpu* cpu) { return code64(cpu) ? 16 : 8; }

void xsave(Cpu* cpu, const Op* op) {
  const u64 lin = area_address(cpu, op, true), wanted = components(cpu);
  probe_write(cpu, op, lin, area_bytes, op->segment);
  const u64 in_use = load<u64>(cpu, op, advanced(cpu, lin, in_use_at));
  if (wanted & xcr0_x87) store_x87(cpu, op, lin);
  if (wanted & xcr0_sse) {
    store_mxcsr(cpu, op, lin);
    store_xmm(cpu, op, lin, xmm_count(cpu));
  }
  store<u64>(cpu, op, advanced(cpu, lin, in_use_at), in_use | wanted);
}

void take_initial_x87(Cpu* cpu) {
  cpu->fpu = {};
  cpu->fpu.empty = 0xff;
  set_control(cpu->fpu, control_initial);
}

void xrstor(Cpu* cpu, const Op* op) {
  const u64 lin = area_address(cpu, op, false), wanted = components(cpu);
  probe_read(cpu, op, lin, area_bytes, op->segment);
  const u64 in_use = load<u64>(cpu, op, advanced(cpu, lin, in_use_at));
  const u64 rest =
      load<u64>(cpu, op, advanced(cpu, lin, compaction_at)) | load<u64>(cpu, op, advanced(cpu, lin, reserved_at));
  if ((in_use & ~cpu->xcr0) || rest != 0) raise(cpu, op, Vector::GP, 0);
  const Image image = load_image(cpu, op, lin, xmm_count(cpu));
  if ((wanted & xcr0_sse) && (image.mxcsr & ~mxcsr_mask)) raise(cpu, op, Vector::GP, 0);
  if (wanted & xcr0_x87) in_use& xcr0_x87 ? take_x87(cpu, op, image) : take_initial_x87(cpu);
  if (!(wanted & xcr0_sse)) return;
  take_mxcsr(cpu, image.mxcsr);  // whether SSE is in use or not
  take_xmm(cpu, in_use & xcr0_sse ? image : Image{}, xmm_count(cpu));
}

}  // namespace

void add_xsave(HandlerTable& table) {
  table.set(Opcode::Xsave, always<xsave>);
  table.set(Opcode::Xrstor, always<xrstor>);
}

}  // namespace tsbhyve::soft::x87
