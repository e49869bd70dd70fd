// SPDX-License-Identifier: BSD-2-Clause
// Every x87 encoding from random states, decoded and run by the engine and by the host: registers, tags, top, status, control,
// memory operand and EFLAGS must agree. FIP, FDP and FOP are left out: processors differ in when they record them.
#include <cstdio>

#include "check.h"
#include "x87_machine.h"

#if defined(__x86_64__) && defined(__linux__)

#include <sys/mman.h>

namespace {

using test::Random;
using namespace tsbhyve::soft;

constexpr size_t operand_bytes = 128;

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
    // frstor [rsi]; xor eax, eax; push rcx; popfq; <instruction>; pushfq; pop [rdx + flags]; mov [rdx + rax], rax; fnsave [rdx]; ret
    at = append(at, {0xDD, 0x26, 0x31, 0xC0, 0x51, 0x9D});
    std::memcpy(at, bytes, size);
    at += size;
    at = append(at, {0x9C, 0x8F, 0x42, offsetof(State, flags), 0x48, 0x89, 0x42, offsetof(State, rax), 0xDD, 0x32, 0xC3});
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

State draw_state(Random& random) {
  State state{};
  static constexpr unsigned precisions[] = {0, 2, 3, 3};
  const unsigned masks = random.below(4) == 0 ? random.below(64) : 0x3F;
  state.fpu.control = static_cast<uint16_t>(0x40 | random.below(4) << 10 | precisions[random.below(4)] << 8 | masks);
  // Nothing pending: every instruction would raise #MF.
  state.fpu.status = static_cast<uint16_t>((random.next() & 0x7F40) | (random.next() & masks));
  const uint64_t tags = random.below(2) == 0 ? 0 : random.next();
  for (unsigned i = 0; i < 8; i++) {
    state.fpu.tags = static_cast<uint16_t>(state.fpu.tags | ((tags >> i & 1) != 0 ? 3U << (2 * i) : 0));
    const test::Float80 value = test::edge80(random);
    state.fpu.stack[i] = {value.significand, value.sign_exponent};
  }
  // IOPL and IF stay the host's; only the status flags are compared.
  state.flags = 0x202 | (random.next() & status_flags);
  for (size_t i = 0; i < operand_bytes; i += 16) {
    const test::Float80 value = test::edge80(random);
    const uint64_t bits = test::edge64(random).bits;
    std::memcpy(&state.operand[i], random.below(2) == 0 ? &value.significand : &bits, 8);
    std::memcpy(&state.operand[i + 8], &value.sign_exponent, 2);
  }
  const uint32_t single = test::edge32(random).bits;
  if (random.below(2) == 0) std::memcpy(state.operand, &single, sizeof single);
  return state;
}

int run_engine(test::Machine& machine, const State& before, State& after) {
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
void save_engine(test::Machine& machine, State& after) {
  static constexpr uint8_t fnsave[] = {0xDD, 0x37};
  machine.prepare(fnsave, sizeof fnsave);
  machine.cpu().gpr[RDI] = reinterpret_cast<u64>(&after.fpu);
  machine.run();
}

bool is_transcendental(const uint8_t* bytes) {
  static constexpr uint8_t second[] = {0xF0, 0xF1, 0xF2, 0xF3, 0xF9, 0xFB, 0xFE, 0xFF};
  return bytes[0] == 0xD9 && std::memchr(second, bytes[1], sizeof second) != nullptr;
}

const char* difference(const State& host, const State& ours, bool approximate) {
  // Of transcendental functions only the shape is compared here: their values have a test of their own.
  const unsigned status_mask = approximate ? 0xFFFFU & ~0x0230U : 0xFFFFU;
  if (host.fpu.control != ours.fpu.control) return "control";
  if (((host.fpu.status ^ ours.fpu.status) & status_mask) != 0) return "status";
  if (approximate) {
    for (unsigned i = 0; i < 8; i++) {
      if (((host.fpu.tags >> (2 * i) & 3) == 3) != ((ours.fpu.tags >> (2 * i) & 3) == 3)) return "tags";
    }
    return nullptr;
  }
  if (host.fpu.tags != ours.fpu.tags) return "tags";
  if (std::memcmp(host.fpu.stack, ours.fpu.stack, sizeof host.fpu.stack) != 0) return "registers";
  if (((host.flags ^ ours.flags) & status_flags) != 0) return "flags";
  if (host.rax != ours.rax) return "rax";
  return nullptr;
}

// Bytes of an environment or state image that hold pointers.
bool is_pointer_byte(const uint8_t* bytes, size_t at) {
  const bool environment = bytes[0] == 0xD9 && bytes[1] == 0x37;
  const bool image = bytes[0] == 0xDD && bytes[1] == 0x37;
  return (environment || image) && at >= 12 && at < 28;
}

bool same_operand(const uint8_t* bytes, const State& host, const State& ours) {
  for (size_t i = 0; i < operand_bytes; i++) {
    if (host.operand[i] != ours.operand[i] && !is_pointer_byte(bytes, i)) return false;
  }
  return true;
}

void check(Random& random, test::Report& report, test::Machine& machine, HostCode& code, const uint8_t* bytes) {
  const State before = draw_state(random);
  if (!machine.prepare(bytes, 2)) return;
  State ours{};
  const int vector = run_engine(machine, before, ours);
  save_engine(machine, ours);
  State host{};
  code.run(bytes, 2, before, host);
  const char* what = vector != -1 ? "fault" : difference(host, ours, is_transcendental(bytes));
  if (what == nullptr && !same_operand(bytes, host, ours)) what = "memory";
  if (what == nullptr) return report.passed();
  report.failed("%02x %02x: %s differs: control %04x status %04x tags %04x st0 %04x:%016" PRIx64 " st1 %04x:%016" PRIx64
                "; host status %04x tags %04x st0 %04x:%016" PRIx64 " st1 %04x:%016" PRIx64
                "; ours status %04x tags %04x st0 %04x:%016" PRIx64 " st1 %04x:%016" PRIx64,
                bytes[0], bytes[1], what, before.fpu.control, before.fpu.status, before.fpu.tags,
                before.fpu.stack[0].sign_exponent, before.fpu.stack[0].significand, before.fpu.stack[1].sign_exponent,
                before.fpu.stack[1].significand, host.fpu.status, host.fpu.tags, host.fpu.stack[0].sign_exponent,
                host.fpu.stack[0].significand, host.fpu.stack[1].sign_exponent, host.fpu.stack[1].significand,
                ours.fpu.status, ours.fpu.tags, ours.fpu.stack[0].sign_exponent, ours.fpu.stack[0].significand,
                ours.fpu.stack[1].sign_exponent, ours.fpu.stack[1].significand);
}

}  // namespace

int main(int argc, char** argv) {
  test::Report report("x87 state");
  Random random(0x7374'6174'6521'2121);
  test::Machine machine;
  HostCode code;
  if (!code.usable()) {
    std::printf("x87 state: skipped, the host gives no writable and executable page\n");
    return 0;
  }
  const uint64_t count = test::rounds(argc, argv, 2'000);
  for (uint64_t i = 0; i < count; i++) {
    for (unsigned escape = 0xD8; escape <= 0xDF; escape++) {
      for (unsigned modrm = 0x07; modrm <= 0xFF; modrm = modrm < 0x3F ? modrm + 8 : modrm == 0x3F ? 0xC0 : modrm + 1) {
        const uint8_t bytes[] = {static_cast<uint8_t>(escape), static_cast<uint8_t>(modrm)};
        check(random, report, machine, code, bytes);
      }
    }
  }
  return report.finish();
}

#else

int main() {
  std::printf("x87 state: skipped, needs an x86-64 Linux host\n");
  return 0;
}

#endif
