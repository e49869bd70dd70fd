// SPDX-License-Identifier: BSD-2-Clause
#include "random_program.h"

namespace tsbhyve::test {

namespace {

constexpr int operand16 = 0x66;
constexpr int data_register = 14;

}  // namespace

/// SplitMix64 (Steele, Lea, Flood 2014).
std::uint32_t RandomProgram::below(std::uint32_t bound) {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>(((z ^ (z >> 31)) >> 32) * bound >> 32);
}

void RandomProgram::immediate(std::uint32_t bytes) {
  const std::uint32_t kind = below(4);
  for (std::uint32_t i = 0; i < bytes; i++) put({kind == 0 ? 0 : kind == 1 ? 0xff : static_cast<int>(below(256))});
}

/// All but the stack pointer, the data register and the counter.
int RandomProgram::drawn_register() {
  constexpr int usable[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  return usable[below(13)];
}

int RandomProgram::rex(bool wide, int reg, int rm) { return 0x40 | (wide ? 8 : 0) | (reg >> 3) << 2 | rm >> 3; }

void RandomProgram::with_register(std::initializer_list<int> opcode, int reg, int rm, bool wide, int prefix) {
  if (prefix) put({prefix});
  put({rex(wide, reg, rm)});
  put(opcode);
  put({0xc0 | (reg & 7) << 3 | (rm & 7)});
}

/// Somewhere in the two pages of data, mostly aligned.
void RandomProgram::with_memory(std::initializer_list<int> opcode, int reg, bool wide, int prefix) {
  if (prefix) put({prefix});
  put({rex(wide, reg, data_register)});
  put(opcode);
  const std::uint32_t at = chance(8) ? 0xff0 + below(16) : chance(4) ? below(0x100) : below(16) * 16;
  put({0x80 | (reg & 7) << 3 | (data_register & 7), static_cast<int>(at & 0xff), static_cast<int>(at >> 8), 0, 0});
}

void RandomProgram::arithmetic() {
  const int operation = static_cast<int>(below(8)) << 3, prefix = chance(8) ? operand16 : 0;
  const bool wide = chance(2) && !prefix;
  switch (below(4)) {
    case 0: with_register({operation | 1}, drawn_register(), drawn_register(), wide, prefix); break;
    case 1: with_register({operation}, drawn_register(), drawn_register(), false); break;
    case 2:
      with_register({0x83}, operation >> 3, drawn_register(), wide, prefix);
      immediate(1);
      break;
    default: with_register({0x85}, drawn_register(), drawn_register(), wide, prefix); break;
  }
}

void RandomProgram::shift() {
  constexpr int extensions[] = {0, 1, 4, 5, 7, 4, 5, 2, 3};
  const int extension = extensions[below(9)];
  if (chance(3)) return with_register({0xd3}, extension, drawn_register(), chance(2));
  with_register({0xc1}, extension, drawn_register(), chance(2), 0);
  put({static_cast<int>(below(70))});
}

void RandomProgram::product() {
  switch (below(5)) {
    case 0: with_register({0x0f, 0xaf}, drawn_register(), drawn_register(), chance(2)); break;
    case 1:
      with_register({0x6b}, drawn_register(), drawn_register(), chance(2));
      immediate(1);
      break;
    case 2: with_register({0xf7}, 4 + static_cast<int>(below(2)), drawn_register(), chance(2)); break;
    case 3: with_memory({0x0f, 0xaf}, drawn_register(), chance(2)); break;
    default: {
      // A divisor that is not zero and a short dividend.
      const int divisor = 8 + static_cast<int>(below(4));
      with_register({0x83}, 1, divisor, true);
      put({0x11});
      put({0x31, 0xd2});  // xor edx, edx
      with_register({0xf7}, 6, divisor, chance(2));
      break;
    }
  }
}

void RandomProgram::move() {
  const int to = drawn_register(), from = drawn_register();
  switch (below(10)) {
    case 0: with_register({0x89}, from, to, true); break;
    case 1: with_register({0x89}, from, to, false); break;
    case 2: with_register({0x88}, from, to, false); break;
    case 3: with_register({0x0f, chance(2) ? 0xb6 : 0xbe}, to, from, chance(2)); break;
    case 4: with_register({0x63}, to, from, true); break;
    case 5: with_register({0x0f, 0x40 | static_cast<int>(below(16))}, to, from, chance(2)); break;
    case 6: with_register({0x0f, 0x90 | static_cast<int>(below(16))}, 0, to, false); break;
    case 7:
      put({rex(true, to, data_register), 0x8d, 0x80 | (to & 7) << 3 | (data_register & 7)});
      immediate(4);
      break;
    case 8: put({0x88, 0xc0 | static_cast<int>(below(64) & 0x3f)}); break;  // AH .. BH among them
    default: with_register({0x87}, to, from, chance(2)); break;
  }
}

void RandomProgram::bits() {
  const int to = drawn_register();
  switch (below(6)) {
    case 0: with_register({0x0f, 0xa3}, drawn_register(), to, chance(2)); break;
    case 1:
      with_register({0x0f, 0xba}, 4 + static_cast<int>(below(4)), to, chance(2));
      immediate(1);
      break;
    case 2: with_register({0x0f, chance(2) ? 0xbc : 0xbd}, drawn_register(), to, chance(2)); break;
    case 3: with_register({0xff}, static_cast<int>(below(2)), to, chance(2)); break;
    case 4: with_register({0xf7}, 2 + static_cast<int>(below(2)), to, chance(2)); break;
    default: put({chance(3) ? 0xf5 : chance(2) ? 0xf8 : 0xf9}); break;
  }
}

void RandomProgram::memory() {
  const int reg = drawn_register(), operation = static_cast<int>(below(8)) << 3;
  switch (below(10)) {
    case 0:
    case 1: with_memory({0x8b}, reg, chance(2)); break;
    case 2: with_memory({0x89}, reg, chance(2), chance(6) ? operand16 : 0); break;
    case 3: with_memory({operation | 3}, reg, chance(2)); break;
    case 4: with_memory({operation | 1}, reg, chance(2)); break;
    case 5: with_memory({0x0f, chance(2) ? 0xb7 : 0xbe}, reg, chance(2)); break;
    case 6: with_memory({0x88}, reg, false); break;
    case 7: with_memory({0xff}, static_cast<int>(below(2)), chance(2)); break;
    case 8:
      with_memory({0x83}, static_cast<int>(below(8)), chance(2));
      immediate(1);
      break;
    default: with_memory({0x0f, 0x90 | static_cast<int>(below(16))}, 0, false); break;
  }
}

void RandomProgram::exchange() {
  constexpr int lock = 0xf0;
  const int reg = drawn_register();
  switch (below(5)) {
    case 0: with_memory({0x87}, reg, chance(2)); break;
    case 1: with_memory({0x0f, 0xc1}, reg, chance(2), chance(2) ? lock : 0); break;
    case 2: with_memory({0x0f, 0xb1}, reg, chance(2), chance(2) ? lock : 0); break;
    case 3: with_memory({static_cast<int>(below(7)) << 3 | 1}, reg, chance(2), lock); break;
    default: with_memory({0x0f, 0x40 | static_cast<int>(below(16))}, reg, chance(2)); break;
  }
}

void RandomProgram::stack() {
  const int reg = drawn_register(), other = drawn_register();
  put({rex(false, 0, reg), 0x50 | (reg & 7)});
  arithmetic();
  if (chance(3)) put({0x9c});  // pushfq
  memory();
  put({0x48, 0x8d, 0x24, 0x25});  // lea rsp, [stack_at]: what was pushed is left behind
  put({0x00, 0x00, 0x06, 0x00});
  put({rex(false, 0, other), 0x50 | (other & 7)});
  put({rex(false, 0, reg), 0x58 | (reg & 7)});
}

void RandomProgram::vector() {
  const int to = static_cast<int>(below(16)), from = static_cast<int>(below(16));
  constexpr int operations[] = {0xfc, 0xfd, 0xfe, 0xd4, 0xf8, 0xfb, 0xdb, 0xdf, 0xeb, 0xef, 0x74, 0x76,
                                0x60, 0x62, 0x6c, 0x68, 0xda, 0xd5, 0xf4, 0xe0, 0x67, 0xf6, 0x14, 0x15};
  switch (below(8)) {
    case 0: with_memory({0x0f, 0x6f}, to, false, 0xf3); break;
    case 1: with_memory({0x0f, 0x7f}, to, false, 0xf3); break;
    case 2: with_register({0x0f, 0x6e}, to, drawn_register(), chance(2), operand16); break;
    case 3: with_register({0x0f, 0x7e}, to, drawn_register(), chance(2), operand16); break;
    case 4: with_register({0x0f, 0xd7}, drawn_register(), from, false, operand16); break;
    case 5:
      with_register({0x0f, 0x70}, to, from, false, operand16);
      immediate(1);
      break;
    case 6:
      with_register({0x0f, 0x73}, chance(2) ? 2 : 6, from, false, operand16);
      put({static_cast<int>(below(70))});
      break;
    default: with_register({0x0f, operations[below(24)]}, to, from, false, operand16); break;
  }
}

void RandomProgram::floating() {
  const int to = static_cast<int>(below(16)), from = static_cast<int>(below(16)), kind = chance(2) ? 0xf2 : 0xf3;
  constexpr int operations[] = {0x58, 0x59, 0x5c, 0x5e, 0x51, 0x5d, 0x5f, 0x5a};
  switch (below(5)) {
    case 0: with_register({0x0f, 0x2a}, to, drawn_register(), chance(2), kind); break;
    case 1: with_register({0x0f, 0x2c}, drawn_register(), from, chance(2), kind); break;
    case 2: with_register({0x0f, 0x2e}, to, from, false, chance(2) ? operand16 : 0); break;
    case 3: with_memory({0x0f, 0x58}, to, false, kind); break;
    default: with_register({0x0f, operations[below(8)]}, to, from, false, kind); break;
  }
}

/// Jcc over a few instructions.
void RandomProgram::skip_some() {
  if (depth_ > 2) return;
  depth_++;
  put({0x70 | static_cast<int>(below(16)), 0});
  const std::size_t from = code_.size();
  const std::uint32_t count = 1 + below(4);
  for (std::uint32_t i = 0; i < count && code_.size() - from < 60; i++) instruction();
  if (code_.size() - from < 128) {
    code_[from - 1] = static_cast<int>(code_.size() - from);
  } else {
    code_[from - 2] = 0x90, code_[from - 1] = 0x90;
  }
  depth_--;
}

/// CALL over a JMP to a body that ends in RET.
void RandomProgram::call_and_return() {
  if (depth_ > 1) return;
  depth_++;
  put({0xe8, 2, 0, 0, 0, 0xeb, 0});
  const std::size_t from = code_.size();
  arithmetic();
  memory();
  put({0xc3});
  code_[from - 1] = static_cast<int>(code_.size() - from);
  depth_--;
}

void RandomProgram::instruction() {
  switch (below(16)) {
    case 0:
    case 1:
    case 2: return arithmetic();
    case 3: return shift();
    case 4: return product();
    case 5:
    case 6: return move();
    case 7: return bits();
    case 8:
    case 9: return memory();
    case 10: return exchange();
    case 11: return stack();
    case 12: return vector();
    case 13: return floating();
    case 14: return skip_some();
    default: return call_and_return();
  }
}

/// Changes an immediate of the instruction that follows.
void RandomProgram::rewrite() {
  put({0x44, 0x88, 0x3d, 2, 0, 0, 0});  // mov [rip + 2], r15b
  put({0x48, 0x05, 0, 0, 0, 0});        // add rax, imm32
}

/// An access that moves up with each round, aligned or not, and comes to the first page that is not there.
void RandomProgram::fault() {
  put({0x49, 0x6b, 0xff, 0xf8});  // imul rdi, r15, -8
  switch (below(7)) {
    case 0: put({0x48, 0x8b, 0xb7}); break;              // mov rsi, [rdi + ...]
    case 1: put({0x48, 0x89, 0xb7}); break;              // mov [rdi + ...], rsi
    case 2: put({0x48, 0x01, 0xb7}); break;              // add [rdi + ...], rsi
    case 3: put({0x48, 0x13, 0xb7}); break;              // adc rsi, [rdi + ...]
    case 4: put({0xf0, 0x48, 0x0f, 0xc1, 0xb7}); break;  // lock xadd [rdi + ...], rsi
    case 5: put({0xf3, 0x0f, 0x6f, 0x8f}); break;        // movdqu xmm1, [rdi + ...]
    default: put({0xff, 0xb7}); break;                   // push [rdi + ...]
  }
  put({chance(2) ? 5 : 0, 4, 0x10, 0});  // 100400h: the page is met when R15 is 128
}

std::vector<int> RandomProgram::make(Kind kind) {
  code_ = {0x49, 0xbe, 0, 0, 4, 0, 0, 0, 0, 0};  // mov r14, data_at
  put({0x49, 0xc7, 0xc7, 0x2c, 1, 0, 0});        // mov r15, 300
  const std::size_t top = code_.size();
  const std::uint32_t count = 4 + below(40);
  for (std::uint32_t i = 0; i < count; i++) {
    instruction();
    if (kind == Kind::RewritesItself && i == count / 2) rewrite();
    if (kind == Kind::Faults && i == count / 2) fault();
  }
  if (chance(2))
    put({0x49, 0xff, 0xcf});  // dec r15
  else
    put({0x49, 0x83, 0xef, 1});  // sub r15, 1
  put({0x0f, 0x85});             // jnz top
  const auto distance = static_cast<std::uint32_t>(top - (code_.size() + 4));
  for (int i = 0; i < 4; i++) put({static_cast<int>(distance >> (8 * i) & 0xff)});
  put({0xf4});
  return code_;
}

}  // namespace tsbhyve::test
