// SPDX-License-Identifier: BSD-2-Clause
// Runs one instruction on the host's x87 and on the engine, from the same state.
#pragma once

#include "check.h"
#include "x87_machine.h"

#if defined(__x86_64__) && defined(__linux__)
#define HOST_RUNS_X87_CODE 1

#include <sys/mman.h>

#include <cstddef>
#include <initializer_list>

namespace test {

using namespace tsbhyve::soft;

constexpr size_t operand_bytes = 512;

#pragma pack(push, 1)
struct SavedRegister {
  uint64_t significand;
  uint16_t sign_exponent;
};

// FNSAVE, 32-bit protected form.
struct Saved {
  uint16_t control, reserved0;
  uint16_t status, reserved1;
  uint16_t tags, reserved2;
  uint32_t pointers[4];
  SavedRegister stack[8];
};
#pragma pack(pop)
static_assert(sizeof(Saved) == 108);

struct State {
  Saved fpu;
  uint64_t flags;
  uint64_t rax;
  alignas(16) uint8_t operand[operand_bytes];
};

// void code(void* operand, const Saved* before, State* after, uint64_t flags)
class HostCode {
 public:
  HostCode() {
    page_ = static_cast<uint8_t*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }

  bool usable() const { return page_ != MAP_FAILED; }

  void run(const uint8_t* bytes, size_t size, const State& before, State& after) {
    uint8_t* at = page_;
    // frstor [rsi]; xor eax, eax; push rcx; popfq; <instruction>; pushfq; pop [rdx + flags]; mov [rdx + rax], rax;
    // fnsave [rdx]; ret
    at = append(at, {0xDD, 0x26, 0x31, 0xC0, 0x51, 0x9D});
    std::memcpy(at, bytes, size);
    at += size;
    at = append(at,
                {0x9C, 0x8F, 0x42, offsetof(State, flags), 0x48, 0x89, 0x42, offsetof(State, rax), 0xDD, 0x32, 0xC3});
    std::memcpy(after.operand, before.operand, operand_bytes);
    using Code = void (*)(void*, const Saved*, State*, uint64_t);
    Code code;
    std::memcpy(&code, &page_, sizeof code);
    code(after.operand, &before.fpu, &after, before.flags);
  }

 private:
  static uint8_t* append(uint8_t* at, std::initializer_list<unsigned> bytes) {
    for (const unsigned byte : bytes) *at++ = static_cast<uint8_t>(byte);
    return at;
  }

  uint8_t* page_;
};

inline State draw_state(Random& random) {
  State state{};
  static constexpr unsigned precisions[] = {0, 2, 3, 3};
  const unsigned masks = random.below(4) == 0 ? random.below(64) : 0x3F;
  state.fpu.control = static_cast<uint16_t>(0x40 | random.below(4) << 10 | precisions[random.below(4)] << 8 | masks);
  // Nothing pending: every instruction would raise #MF.
  state.fpu.status = static_cast<uint16_t>((random.next() & 0x7F40) | (random.next() & masks));
  const uint64_t tags = random.below(2) == 0 ? 0 : random.next();
  for (unsigned i = 0; i < 8; i++) {
    state.fpu.tags = static_cast<uint16_t>(state.fpu.tags | ((tags >> i & 1) != 0 ? 3U << (2 * i) : 0));
    const test::Float80 value = edge80(random);
    state.fpu.stack[i] = {value.significand, value.sign_exponent};
  }
  // IOPL and IF stay the host's; only the status flags are compared.
  state.flags = 0x202 | (random.next() & status_flags);
  for (size_t i = 0; i < operand_bytes; i += 16) {
    const test::Float80 value = edge80(random);
    const uint64_t bits = edge64(random).bits;
    std::memcpy(&state.operand[i], random.below(2) == 0 ? &value.significand : &bits, 8);
    std::memcpy(&state.operand[i + 8], &value.sign_exponent, 2);
  }
  const uint32_t single = edge32(random).bits;
  if (random.below(2) == 0) std::memcpy(state.operand, &single, sizeof single);
  return state;
}

inline int run_engine(Machine& machine, const State& before, State& after) {
  Cpu& cpu = machine.cpu();
  FpuState& fpu = cpu.fpu;
  fpu = {};
  fpu.control = before.fpu.control;
  fpu.status = before.fpu.status;
  fpu.empty = 0;
  const unsigned top = before.fpu.status >> 11 & 7;
  for (unsigned i = 0; i < 8; i++) {
    if ((before.fpu.tags >> (2 * i) & 3) == 3) fpu.empty = static_cast<u8>(fpu.empty | 1U << i);
    fpu.registers[(top + i) & 7] = {before.fpu.stack[i].significand, before.fpu.stack[i].sign_exponent};
  }
  cpu.rflags = before.flags;
  cpu.lazy = {};
  std::memcpy(after.operand, before.operand, operand_bytes);
  cpu.gpr[RAX] = 0;
  cpu.gpr[RDI] = reinterpret_cast<u64>(after.operand);
  const int vector = machine.run();
  after.flags = cpu.rflags;
  after.rax = cpu.gpr[RAX];
  return vector;
}

// The engine's state in the form of the host's, through its own FNSAVE.
inline void save_engine(Machine& machine, State& after) {
  static constexpr uint8_t fnsave[] = {0xDD, 0x37};
  machine.prepare(fnsave, sizeof fnsave);
  machine.cpu().gpr[RDI] = reinterpret_cast<u64>(&after.fpu);
  machine.run();
}

}  // namespace test

#else
#define HOST_RUNS_X87_CODE 0
#endif
