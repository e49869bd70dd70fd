// SPDX-License-Identifier: BSD-2-Clause
#include "compare.h"

#include <cstdio>

#include "soft/cpu.h"

namespace tsbhyve::differential {

namespace {

constexpr u64 compared_flags = status_flags | rflags::DF | rflags::NT | rflags::AC | rflags::ID;
constexpr u64 first_kernel_address = (u64{1} << 47) - page_size;  // as Linux sees it
constexpr u32 page_fault_present = 1;
constexpr u32 x87_top = 7 << 11;
constexpr u32 single_infinity = 0x7f800000;
constexpr u64 double_infinity = 0x7ff0000000000000;

/// Registers where MMX instructions find them.
void turn_to_physical(FxImage& fx) {
  const u32 top = fx.status >> 11 & 7;
  u8 physical[8][16];
  for (u32 i = 0; i < 8; i++) std::memcpy(physical[(top + i) & 7], fx.st[i], sizeof(fx.st[i]));
  std::memcpy(fx.st, physical, sizeof(physical));
  fx.status = static_cast<u16>(fx.status & ~x87_top);
}

/// One NaN for all.
template <class T>
void level_nans(u64 (&xmm)[2], T infinity) {
  constexpr size_t bytes = 16;
  T lanes[bytes / sizeof(T)];
  std::memcpy(lanes, xmm, bytes);
  for (T& lane : lanes) lane = (lane & (~T{0} >> 1)) > infinity ? ~T{0} : lane;
  std::memcpy(xmm, lanes, bytes);
}

void canonicalize_fx(const Case& test, const Instruction& instruction, const Tolerance& tolerance, FxImage& fx) {
  if (!test.uses_fx) {
    fx = {};
    return;
  }
  // AMD processors save the pointers only while an exception is pending.
  fx.opcode = 0;
  fx.instruction_pointer = fx.data_pointer = 0;
  fx.mxcsr_mask = 0;
  fx.reserved = 0;
  std::memset(fx.rest, 0, sizeof(fx.rest));
  for (auto& st : fx.st) std::memset(st + 10, 0, 6);
  fx.status = static_cast<u16>(fx.status & ~u32{tolerance.status});
  if (tolerance.x87_state) {
    fx.valid = 0;
    fx.status = static_cast<u16>(fx.status & ~x87_top);
    std::memset(fx.st, 0, sizeof(fx.st));
  }
  if (tolerance.top) turn_to_physical(fx);
  if (tolerance.nan_lanes && instruction.opcode == Opcode::Dpps)
    level_nans(fx.xmm[instruction.operands[0].reg], single_infinity);
  else if (tolerance.nan_lanes)
    level_nans(fx.xmm[instruction.operands[0].reg], double_infinity);
  if (!tolerance.result) return;
  if (instruction.operands[0].kind == OperandKind::Xmm) {
    std::memset(fx.xmm[instruction.operands[0].reg], 0, 16);
  } else {
    std::memset(fx.st, 0, 32);
  }
}

class Lines {
 public:
  void number(const char* name, u64 expected, u64 got) {
    if (expected == got) return;
    char line[120];
    std::snprintf(line, sizeof(line), "    %-8s expected %016llx got %016llx\n", name,
                  static_cast<unsigned long long>(expected), static_cast<unsigned long long>(got));
    text += line;
  }
  void wide(const char* name, u32 index, const void* expected, const void* got) {
    if (std::memcmp(expected, got, 16) == 0) return;
    u64 a[2], b[2];
    std::memcpy(a, expected, 16);
    std::memcpy(b, got, 16);
    char line[160];
    std::snprintf(line, sizeof(line), "    %s%-6u expected %016llx_%016llx got %016llx_%016llx\n", name, index,
                  static_cast<unsigned long long>(a[1]), static_cast<unsigned long long>(a[0]),
                  static_cast<unsigned long long>(b[1]), static_cast<unsigned long long>(b[0]));
    text += line;
  }
  std::string text;
};

u64 zone_address(size_t index) {
  for (const Zone& zone : zones) {
    if (index < zone.size) return zone.start + index;
    index -= zone.size;
  }
  return 0;
}

}  // namespace

bool is_access_fault(u8 vector) {
  return vector == Vector::PF || vector == Vector::NP || vector == Vector::GP || vector == Vector::SegmentSS ||
         vector == Vector::AC;
}

void canonicalize(const Case& test, const Instruction& instruction, const Tolerance& tolerance, Result& result) {
  Registers& registers = result.registers;
  if (tolerance.everything) {
    result = {};
    return;
  }
  if (tolerance.string_halves) {
    for (const u8 reg : {RCX, RSI, RDI}) registers.gpr[reg] &= 0xffffffff;
  }
  if (tolerance.event) {
    result.vector = 0;
    result.error = 0;
    result.cr2 = registers.rip = 0;
  }
  if (test.setting != Setting::Code64) {
    for (size_t i = 0; i < 8; i++) registers.gpr[i] &= 0xffffffff;
    for (size_t i = 8; i < 16; i++) registers.gpr[i] = 0;
    registers.fs_base = registers.gs_base = 0;
  }
  // Outside 64-bit code nobody sees the upper half of RSP.
  if (registers.selector[CS] != flat_code64) registers.gpr[RSP] &= 0xffffffff;
  if (tolerance.destination && instruction.operands[0].kind == OperandKind::Gpr)
    registers.gpr[instruction.operands[0].reg] = 0;
  if (tolerance.registers) std::memset(registers.gpr, 0, sizeof(registers.gpr));
  if (tolerance.segment_bases) registers.fs_base = registers.gs_base = 0;
  // The kernel loses the RPL of null selectors on the way to a signal handler.
  for (u16& selector : registers.selector) selector = selector < 4 ? u16{0} : selector;
  registers.rflags &= compared_flags & ~u64{tolerance.flags};
  // Linux hides from processes whether a kernel address is mapped.
  if (result.vector == Vector::PF && result.cr2 >= first_kernel_address) result.error &= ~page_fault_present;
  if (tolerance.fault_order && is_access_fault(result.vector)) {
    result.vector = Vector::GP;
    result.error = 0;
    result.cr2 = 0;
  }
  canonicalize_fx(test, instruction, tolerance, result.fx);
  if (tolerance.memory) std::memset(result.memory, 0, sizeof(result.memory));
}

bool same(const Case& test, const Result& a, const Result& b) {
  return std::memcmp(&a.registers, &b.registers, sizeof(a.registers)) == 0 && a.vector == b.vector &&
         a.error == b.error && a.cr2 == b.cr2 && std::memcmp(a.memory, b.memory, sizeof(a.memory)) == 0 &&
         (!test.uses_fx || std::memcmp(&a.fx, &b.fx, sizeof(a.fx)) == 0);
}

std::string differences(const Case& test, const Result& expected, const Result& got) {
  constexpr const char* gprs[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  constexpr const char* segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  Lines lines;
  lines.number("vector", expected.vector, got.vector);
  lines.number("error", expected.error, got.error);
  lines.number("cr2", expected.cr2, got.cr2);
  for (size_t i = 0; i < 16; i++) lines.number(gprs[i], expected.registers.gpr[i], got.registers.gpr[i]);
  lines.number("rflags", expected.registers.rflags, got.registers.rflags);
  lines.number("rip", expected.registers.rip, got.registers.rip);
  lines.number("fs.base", expected.registers.fs_base, got.registers.fs_base);
  lines.number("gs.base", expected.registers.gs_base, got.registers.gs_base);
  for (size_t i = 0; i < 6; i++) lines.number(segments[i], expected.registers.selector[i], got.registers.selector[i]);
  if (test.uses_fx) {
    lines.number("fcw", expected.fx.control, got.fx.control);
    lines.number("fsw", expected.fx.status, got.fx.status);
    lines.number("ftw", expected.fx.valid, got.fx.valid);
    lines.number("mxcsr", expected.fx.mxcsr, got.fx.mxcsr);
    for (u32 i = 0; i < 8; i++) lines.wide("st", i, expected.fx.st[i], got.fx.st[i]);
    for (u32 i = 0; i < 16; i++) lines.wide("xmm", i, expected.fx.xmm[i], got.fx.xmm[i]);
  }
  for (size_t i = 0; i < zone_bytes; i++) {
    if (expected.memory[i] == got.memory[i]) continue;
    char name[24];
    std::snprintf(name, sizeof(name), "[%llx]", static_cast<unsigned long long>(zone_address(i)));
    lines.number(name, expected.memory[i], got.memory[i]);
  }
  return lines.text;
}

}  // namespace tsbhyve::differential
