// SPDX-License-Identifier: BSD-2-Clause
// Names and properties of opcodes. Where the SDM leaves flags undefined they count as possibly, not certainly written.
#include <array>
#include <initializer_list>

#include "soft/decode/instruction.h"

namespace tsbhyve::soft {
namespace {

using enum Opcode;

constexpr size_t opcode_count = static_cast<size_t>(Opcode::Count);

constexpr std::array<const char*, opcode_count> names = {
    "Invalid",
#define OPCODE(name) #name,
#include "soft/decode/opcodes.def"
#undef OPCODE
};

struct FlagRow {
  u32 read;
  u32 written;  // perhaps: by a shift count of zero or no iteration of REP nothing is
  u32 certain;  // always, whatever the operands
  std::initializer_list<Opcode> opcodes;
};

constexpr u32 all = status_flags;
constexpr u32 all_but_cf = status_flags & ~flag_cf;
constexpr u32 all_but_of = status_flags & ~flag_of;
constexpr u32 rotated = flag_cf | flag_of;
constexpr u32 compared = flag_cf | flag_pf | flag_zf;
constexpr u32 carries = flag_af | flag_cf;

// clang-format off
constexpr FlagRow flag_rows[] = {
    {0, all, all, {Add, Or, And, Sub, Xor, Cmp, Test, Neg, Popcnt, Xadd, Cmpxchg, Aam, Aad}},
    {flag_cf, all, all, {Adc, Sbb}},
    {0, all_but_cf, all_but_cf, {Inc, Dec}},
    {0, all, 0, {Shl, Shr, Sar, Shld, Shrd, Div, Idiv, Cmps, Scas}},
    {0, rotated, rotated, {Mul, Imul1, Imul2, Imul3}},
    {0, rotated, 0, {Rol, Ror}},
    {flag_cf, rotated, 0, {Rcl, Rcr}},
    {0, all, flag_cf, {Bt, Bts, Btr, Btc}},
    {0, flag_cf, flag_cf, {Clc, Stc}},
    {flag_cf, flag_cf, flag_cf, {Cmc}},
    {0, all, flag_zf, {Bsf, Bsr}},
    {0, flag_zf, flag_zf, {Cmpxchg8b, Cmpxchg16b, Verr, Verw, Lar, Lsl, Arpl}},
    {carries, all, carries, {Aaa, Aas}},
    {carries, all, all_but_of, {Daa, Das}},
    {flag_cf, 0, 0, {Salc}},
    {all_but_of, 0, 0, {Lahf}},
    {0, all_but_of, all_but_of, {Sahf}},
    {all, 0, 0, {Pushf, Cmovcc, Setcc, Jcc, Int, Int1, Int3, Sysenter, Vmcall}},
    {0, all, all, {Popf}},
    {all, all, 0, {Iret, Syscall, Sysret, Rsm}},
    {flag_of, 0, 0, {Into}},
    {flag_zf, 0, 0, {Loope, Loopne}},
    {compared, 0, 0, {Fcmovb, Fcmove, Fcmovbe, Fcmovu, Fcmovnb, Fcmovne, Fcmovnbe, Fcmovnu}},
    {0, all, compared, {Fcomi, Fcomip, Fucomi, Fucomip}},
    {0, all, all, {Comiss, Comisd, Ucomiss, Ucomisd, Ptest, Pcmpestrm, Pcmpestri, Pcmpistrm, Pcmpistri}},
};
// clang-format on

/// Control leaves, or what later instructions were decoded and checked under changes.
constexpr Opcode block_ends[] = {
    Invalid, Jmp,     JmpIndirect, Jcc,      Jcxz,     Loop,    Loope,  Loopne, Call,           CallIndirect,
    Ret,     Pause,   JmpFar,      CallFar,  RetFar,   Iret,    Int,    Int3,   Int1,           Into,
    Ud,      Syscall, Sysret,      Sysenter, Sysexit,  Hlt,     Cli,    Sti,    Clac,           Stac,
    Clts,    Lmsw,    Lgdt,        Lidt,     Lldt,     Ltr,     MovSeg, PopSeg, LoadFarPointer, MovCr,
    MovDr,   In,      Out,         Ins,      Outs,     Popf,    Wrmsr,  Rdmsr,  Cpuid,          Invlpg,
    Invpcid, Invd,    Wbinvd,      Wrfsbase, Wrgsbase, Monitor, Mwait,  Vmcall, Xgetbv,         Xsetbv,
    Rsm,     Getsec,
};

/// Integer operations that cannot fault with register operands. Everything absent may: the stack and string
/// operations touch memory, system operations check privilege, x87 and SSE check CR0.TS and CR0.EM.
constexpr Opcode never_fault[] = {
    Add,   Or,     Adc,   Sbb,  And,    Sub,     Xor,      Cmp,    Test,   Inc,    Dec,    Neg,   Not,    Mul,
    Imul1, Imul2,  Imul3, Rol,  Ror,    Rcl,     Rcr,      Shl,    Shr,    Sar,    Shld,   Shrd,  Bt,     Bts,
    Btr,   Btc,    Bsf,   Bsr,  Popcnt, Bswap,   Crc32,    Aaa,    Aas,    Aad,    Daa,    Das,   Mov,    Movzx,
    Movsx, Movsxd, Lea,   Xchg, Xadd,   Cmpxchg, Cbw,      Cwd,    Lahf,   Sahf,   Cmovcc, Setcc, Movnti, Clc,
    Stc,   Cmc,    Cld,   Std,  Salc,   Nop,     Prefetch, Lfence, Mfence, Sfence,
};

constexpr size_t index(Opcode opcode) { return static_cast<size_t>(opcode); }

constexpr auto build() {
  std::array<OpcodeInfo, opcode_count> table{};
  for (OpcodeInfo& info : table) info = {0, 0, false, true};
  for (const FlagRow& row : flag_rows)
    for (const Opcode opcode : row.opcodes) {
      table[index(opcode)].flags_read = row.read;
      table[index(opcode)].flags_written = row.written;
    }
  for (const Opcode opcode : block_ends) table[index(opcode)].ends_block = true;
  for (const Opcode opcode : never_fault) table[index(opcode)].may_fault = false;
  return table;
}

constexpr auto infos = build();

constexpr auto build_certain() {
  std::array<u32, opcode_count> table{};
  for (const FlagRow& row : flag_rows)
    for (const Opcode opcode : row.opcodes) table[index(opcode)] = row.certain;
  return table;
}

constexpr auto certain = build_certain();

/// The masked count of an immediate shift; zero also for counts that only the register knows.
u32 certain_count(const Instruction& instruction, size_t count_operand) {
  if (instruction.operands[count_operand].kind != OperandKind::Immediate) return 0;
  return static_cast<u32>(instruction.immediate) & (instruction.operand_size == 8 ? 63u : 31u);
}

}  // namespace

const char* opcode_name(Opcode opcode) { return index(opcode) < opcode_count ? names[index(opcode)] : "?"; }

const OpcodeInfo& opcode_info(Opcode opcode) { return infos[index(opcode) < opcode_count ? index(opcode) : 0]; }

u32 certain_flags_written(const Instruction& instruction) {
  const u32 width = instruction.operand_size * 8u;
  switch (instruction.opcode) {
    case Shl:
    case Shr:
    case Sar: return certain_count(instruction, 1) ? all : 0;
    case Rol:
    case Ror: return certain_count(instruction, 1) % width ? rotated : 0;
    case Rcl:
    case Rcr: return certain_count(instruction, 1) % (width + 1) ? rotated : 0;
    case Shld:
    case Shrd: {
      const u32 count = certain_count(instruction, 2);
      return count && count <= width ? all : 0;
    }
    case Cmps:
    case Scas: return instruction.repeat == Repeat::None ? all : 0;
    default: return certain[index(instruction.opcode)];
  }
}

}  // namespace tsbhyve::soft
