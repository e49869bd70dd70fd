// SPDX-License-Identifier: BSD-2-Clause
// The decoder by hand-written encodings: what no other disassembler can confirm, and one of each rule.
#include <cstdio>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "soft/decode/instruction.h"

namespace {

using namespace tsbhyve::soft;
using Bytes = std::vector<u8>;

int failures = 0;

void expect(bool condition, const std::string& what) {
  if (condition) return;
  std::printf("FAILED: %s\n", what.c_str());
  ++failures;
}

Instruction decoded(const Bytes& bytes, CodeSize code_size) {
  Instruction instruction;
  const DecodeStatus status = decode(bytes.data(), bytes.size(), code_size, instruction);
  expect(status == DecodeStatus::Ok, std::string("complete: ") + opcode_name(instruction.opcode));
  return instruction;
}

struct Case {
  const char* what;
  CodeSize code_size;
  Bytes bytes;
  Opcode opcode;
  u8 operand_size;
  u64 immediate;
};

constexpr CodeSize C16 = CodeSize::Bits16, C32 = CodeSize::Bits32, C64 = CodeSize::Bits64;

const Case cases[] = {
    {"xchg eax, eax is nop", C64, {0x90}, Opcode::Nop, 4, 0},
    {"xchg r8d, eax", C64, {0x41, 0x90}, Opcode::Xchg, 4, 0},
    {"pause", C64, {0xf3, 0x90}, Opcode::Pause, 4, 0},
    {"F3 with REX.B still exchanges", C64, {0xf3, 0x41, 0x90}, Opcode::Xchg, 4, 0},
    {"66 does not shorten a near call", C64, {0x66, 0xe8, 0xfc, 0xff, 0xff, 0xff}, Opcode::Call, 8, ~u64{3}},
    {"66 shortens it in 32-bit code", C32, {0x66, 0xe8, 0xfc, 0xff}, Opcode::Call, 2, ~u64{3}},
    {"push imm8 extends", C64, {0x6a, 0x80}, Opcode::Push, 8, ~u64{0x7f}},
    {"push imm32 extends", C64, {0x68, 0, 0, 0, 0x80}, Opcode::Push, 8, 0xffff'ffff'8000'0000},
    {"push in 16-bit code", C16, {0x68, 0x34, 0x12}, Opcode::Push, 2, 0x1234},
    {"mov r64, imm64", C64, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, Opcode::Mov, 8, 0x0807060504030201},
    {"shift by one", C64, {0xd1, 0xe0}, Opcode::Shl, 4, 1},
    {"sal alias", C64, {0xd1, 0xf0}, Opcode::Shl, 4, 1},
    {"movsxd", C64, {0x48, 0x63, 0xc1}, Opcode::Movsxd, 8, 0},
    {"arpl", C32, {0x63, 0xc1}, Opcode::Arpl, 4, 0},
    {"les", C32, {0xc4, 0x00}, Opcode::LoadFarPointer, 4, 0},
    {"C4 is no VEX here", C64, {0xc4, 0xe1, 0x78, 0x28, 0xc0}, Opcode::Invalid, 0, 0},
    {"C4 with a register is no VEX either", C32, {0xc4, 0xe1, 0x78, 0x28, 0xc0}, Opcode::Invalid, 0, 0},
    {"tzcnt runs as bsf", C64, {0xf3, 0x0f, 0xbc, 0xc1}, Opcode::Bsf, 4, 0},
    {"lzcnt runs as bsr", C64, {0xf3, 0x0f, 0xbd, 0xc1}, Opcode::Bsr, 4, 0},
    {"popcnt", C64, {0xf3, 0x48, 0x0f, 0xb8, 0xc1}, Opcode::Popcnt, 8, 0},
    {"F2 outranks 66", C64, {0xf2, 0x66, 0x0f, 0x58, 0xc1}, Opcode::Addsd, 2, 0},
    {"lock add", C64, {0xf0, 0x01, 0x00}, Opcode::Add, 4, 0},
    {"lock of a register", C64, {0xf0, 0x01, 0xc0}, Opcode::Invalid, 0, 0},
    {"lock of a load", C64, {0xf0, 0x03, 0x00}, Opcode::Invalid, 0, 0},
    {"lock cmp", C64, {0xf0, 0x39, 0x00}, Opcode::Invalid, 0, 0},
    {"cmpxchg16b", C64, {0xf0, 0x48, 0x0f, 0xc7, 0x0f}, Opcode::Cmpxchg16b, 8, 0},
    {"mov cs", C64, {0x8e, 0xc8}, Opcode::Invalid, 0, 0},
    {"segment register 6", C64, {0x8e, 0xf0}, Opcode::Invalid, 0, 0},
    {"cr8", C64, {0x44, 0x0f, 0x20, 0xc0}, Opcode::MovCr, 8, 0},
    {"cr1", C64, {0x0f, 0x20, 0xc8}, Opcode::Invalid, 0, 0},
    {"endbr64", C64, {0xf3, 0x0f, 0x1e, 0xfa}, Opcode::Nop, 4, 0},
    {"long nop", C64, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}, Opcode::Nop, 2, 0},
    {"movbe", C64, {0x0f, 0x38, 0xf0, 0x00}, Opcode::Invalid, 0, 0},
    {"xsave", C64, {0x0f, 0xae, 0x20}, Opcode::Xsave, 4, 0},
    {"xsaveopt", C64, {0x0f, 0xae, 0x30}, Opcode::Invalid, 0, 0},
    {"rdrand", C64, {0x0f, 0xc7, 0xf0}, Opcode::Invalid, 0, 0},
    {"rdpid", C64, {0xf3, 0x0f, 0xc7, 0xf8}, Opcode::Invalid, 0, 0},
    {"enter", C64, {0xc8, 0x10, 0x00, 0x02}, Opcode::Enter, 8, 0x10},
};

void run_cases() {
  for (const Case& test : cases) {
    const Instruction instruction = decoded(test.bytes, test.code_size);
    expect(instruction.opcode == test.opcode, std::string(test.what) + ": opcode " + opcode_name(instruction.opcode));
    if (test.opcode == Opcode::Invalid) continue;
    expect(instruction.length == test.bytes.size(), std::string(test.what) + ": length");
    expect(instruction.operand_size == test.operand_size, std::string(test.what) + ": operand size");
    expect(instruction.immediate == test.immediate, std::string(test.what) + ": immediate");
  }
}

void test_fields() {
  expect(decoded({0xc8, 0x10, 0x00, 0x02}, C64).selector == 2, "ENTER's nesting level");
  const Instruction far = decoded({0xea, 1, 2, 3, 4, 5, 6}, C32);
  expect(far.selector == 0x0605 && far.immediate == 0x04030201, "far pointer");
  expect(decoded({0x64, 0xa4}, C64).memory.segment == FS, "string source override");
  expect(decoded({0x2e, 0xa4}, C64).memory.segment == DS, "CS override in 64-bit code");
  expect(decoded({0x64, 0x2e, 0x8b, 0x00}, C64).memory.segment == FS, "CS after FS does not cancel it");
  expect(decoded({0x8b, 0x45, 0x00}, C64).memory.segment == SS, "RBP base");
  expect(decoded({0x41, 0x8b, 0x45, 0x00}, C64).memory.segment == DS, "R13 base");
  expect(decoded({0x8b, 0x05, 0, 0, 0, 0}, C64).memory.base == rip_register, "RIP-relative");
  expect(decoded({0x0f, 0xb2, 0x00}, C64).operands[2].reg == SS, "LSS names SS");
  expect(decoded({0xf3, 0xa4}, C64).repeat == Repeat::Rep, "rep movs");
  expect(decoded({0xf3, 0x88, 0x00}, C64).repeat == Repeat::None, "F3 means nothing to mov");
  expect(decoded({0x88, 0xe0}, C64).operands[1].kind == OperandKind::GprHigh, "AH");
  expect(decoded({0x40, 0x88, 0xe0}, C64).operands[1].kind == OperandKind::Gpr, "SPL");
  expect(decoded({0x48, 0x26, 0x01, 0x00}, C64).operand_size == 4, "REX before another prefix is ignored");
}

void test_bounds() {
  Instruction instruction;
  Bytes prefixed(14, 0x66);
  prefixed.push_back(0x90);
  expect(decode(prefixed.data(), 15, C64, instruction) == DecodeStatus::Ok && instruction.length == 15, "15 bytes");
  prefixed.insert(prefixed.begin(), 0x66);
  expect(decode(prefixed.data(), 16, C64, instruction) == DecodeStatus::TooLong, "16 bytes");
  expect(decode(prefixed.data(), 14, C64, instruction) == DecodeStatus::Truncated, "14 of 16 bytes");
  expect(decode(prefixed.data(), 0, C64, instruction) == DecodeStatus::Truncated, "no bytes");

  std::mt19937 random(7);
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes(15);
    for (u8& byte : bytes) byte = static_cast<u8>(random());
    if (decode(bytes.data(), bytes.size(), C64, instruction) != DecodeStatus::Ok ||
        instruction.opcode == Opcode::Invalid)
      continue;
    const u8 length = instruction.length;
    const Bytes exact(bytes.begin(), bytes.begin() + length);
    expect(decode(exact.data(), length, C64, instruction) == DecodeStatus::Ok && instruction.length == length,
           "exactly its length");
    for (size_t available = 0; available < length; ++available) {
      const DecodeStatus status = decode(exact.data(), available, C64, instruction);
      expect(status == DecodeStatus::Truncated, "shorter than its length");
    }
  }
}

void test_flags() {
  expect(certain_flags_written(decoded({0xd3, 0xe0}, C64)) == 0, "shl by cl may write no flags");
  expect(certain_flags_written(decoded({0xc1, 0xe0, 0x20}, C64)) == 0, "shl by 32 writes none");
  expect(certain_flags_written(decoded({0xc1, 0xe0, 0x03}, C64)) == status_flags, "shl by 3 writes all");
  expect(certain_flags_written(decoded({0xc1, 0xc0, 0x03}, C64)) == (flag_cf | flag_of), "rol writes two");
  expect(certain_flags_written(decoded({0xc0, 0xd0, 0x09}, C64)) == 0, "rcl of a byte by nine leaves them");
  expect(certain_flags_written(decoded({0xf3, 0xa6}, C64)) == 0, "repe cmps may run no iteration");
  expect(certain_flags_written(decoded({0xa6}, C64)) == status_flags, "cmps writes all");
  expect(certain_flags_written(decoded({0xff, 0xc0}, C64)) == (status_flags & ~flag_cf), "inc keeps CF");
  expect(opcode_info(Opcode::Shl).flags_written == status_flags, "shl may write all");
  expect(opcode_info(Opcode::Bt).flags_written == status_flags, "bt may write undefined flags");
  expect(opcode_info(Opcode::Adc).flags_read == flag_cf, "adc reads CF");
  expect(opcode_info(Opcode::Jmp).ends_block && !opcode_info(Opcode::Add).ends_block, "block ends");
  expect(opcode_info(Opcode::Div).may_fault && !opcode_info(Opcode::Add).may_fault, "faults");
}

}  // namespace

int main() {
  run_cases();
  test_fields();
  test_bounds();
  test_flags();
  std::printf("decode: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
