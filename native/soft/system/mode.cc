// SPDX-License-Identifier: BSD-2-Clause
// What follows from control registers, CS, SS and CPL.
#include "soft/block.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

AccessClass access_class(const Cpu* cpu) {
  if (cpu->cpl == 3) return AccessClass::User;
  const bool closed = (cpu->cr4 & cr4::SMAP) && !(cpu->rflags & rflags::AC);
  return closed ? AccessClass::SupervisorWithoutUserPages : AccessClass::Supervisor;
}

bool is_flat(const Segment& code) { return code.base == 0 && code.limit == 0xffffffff; }

}  // namespace

void update_mode(Cpu* cpu) {
  u32 mode = cpu->mode & mode_single;
  if (code64(cpu)) {
    mode |= mode_code64 | mode_stack64 | mode_flat;
  } else {
    if (cpu->segment[CS].attributes & segment_big) mode |= mode_code32;
    if (cpu->segment[SS].attributes & segment_big) mode |= mode_stack32;
    if (is_flat(cpu->segment[CS])) mode |= mode_flat;
  }
  if (cpu->cpl == 3) mode |= mode_user;
  cpu->mode = mode;
  cpu->fast = cpu->fast_tables[static_cast<size_t>(access_class(cpu))];
}

}  // namespace tsbhyve::soft
