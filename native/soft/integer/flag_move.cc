// SPDX-License-Identifier: BSD-2-Clause
// LAHF, SAHF, CLC, STC, CMC, CLD, STD and SALC.
#include "soft/flags.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft {

namespace {

constexpr u8 al = RAX * 8, ah = RAX * 8 + 1;
constexpr u32 always_set = 2;  // bit 1 of RFLAGS (SDM vol. 1, figure 3-8)
constexpr u32 in_ah = status_flags & ~flag_of;

void lahf(Cpu* cpu, const Op* op) {
  write_gpr<u8>(cpu, ah, static_cast<u8>((read_status_flags(cpu) & in_ah) | always_set));
  NEXT(cpu, op);
}

void sahf(Cpu* cpu, const Op* op) {
  change_status_flags(cpu, in_ah, read_gpr<u8>(cpu, ah));
  NEXT(cpu, op);
}

void clc(Cpu* cpu, const Op* op) {
  change_status_flags(cpu, flag_cf, 0);
  NEXT(cpu, op);
}

void stc(Cpu* cpu, const Op* op) {
  change_status_flags(cpu, flag_cf, flag_cf);
  NEXT(cpu, op);
}

void cmc(Cpu* cpu, const Op* op) {
  change_status_flags(cpu, flag_cf, carry_flag(cpu) ? 0 : flag_cf);
  NEXT(cpu, op);
}

void clear_direction(Cpu* cpu, const Op* op) {
  cpu->rflags &= ~rflags::DF;
  NEXT(cpu, op);
}

void set_direction(Cpu* cpu, const Op* op) {
  cpu->rflags |= rflags::DF;
  NEXT(cpu, op);
}

/// AL becomes a mask of CF (AMD APM vol. 3, opcode map; the SDM leaves D6 out).
void salc(Cpu* cpu, const Op* op) {
  write_gpr<u8>(cpu, al, carry_flag(cpu) ? 0xff : 0);
  NEXT(cpu, op);
}

}  // namespace

void add_flag_move(HandlerTable& table) {
  table.set(Opcode::Lahf, always<lahf>);
  table.set(Opcode::Sahf, always<sahf>);
  table.set(Opcode::Clc, always<clc>);
  table.set(Opcode::Stc, always<stc>);
  table.set(Opcode::Cmc, always<cmc>);
  table.set(Opcode::Cld, always<clear_direction>);
  table.set(Opcode::Std, always<set_direction>);
  table.set(Opcode::Salc, always<salc>);
}

}  // namespace tsbhyve::soft
