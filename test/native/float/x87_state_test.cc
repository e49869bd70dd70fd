// SPDX-License-Identifier: BSD-2-Clause
// Every x87 encoding from random states, decoded and run by the engine and by the host: registers, tags, top, status,
// control, memory operand and EFLAGS must agree. FIP, FDP and FOP are left out: processors differ in when they record
// them.
#include <cstdio>

#include "x87_host_code.h"

#if HOST_RUNS_X87_CODE

namespace {

using namespace test;

bool is_transcendental(const uint8_t* bytes) {
  static constexpr uint8_t second[] = {0xF0, 0xF1, 0xF2, 0xF3, 0xF9, 0xFB, 0xFE, 0xFF};
  return bytes[0] == 0xD9 && std::memchr(second, bytes[1], sizeof second) != nullptr;
}

bool is_flag_comparison(const uint8_t* bytes) {
  return (bytes[0] == 0xDB || bytes[0] == 0xDF) && bytes[1] >= 0xE8 && bytes[1] < 0xF8;
}

bool is_comparison(const uint8_t* bytes) {
  const unsigned group = bytes[1] >> 3 & 7;
  const bool memory = bytes[1] < 0xC0;
  switch (bytes[0]) {
    case 0xD8:
    case 0xDC: return group == 2 || group == 3;
    case 0xD9: return bytes[1] == 0xE4;
    case 0xDA: return memory ? group == 2 || group == 3 : bytes[1] == 0xE9;
    case 0xDD: return !memory && (group == 4 || group == 5);
    case 0xDE: return group == 2 || group == 3;
    default: return is_flag_comparison(bytes);
  }
}

// Not defined by the SDM, and different among processors.
bool is_undefined(const uint8_t* bytes, const State& before) {
  if (bytes[0] != 0xD9) return false;
  // An alias of FSTP, which may or may not fault for an empty register.
  if (bytes[1] >= 0xD8 && bytes[1] < 0xE0) return true;
  // F2XM1 and FYL2XP1 out of their range.
  return (bytes[1] == 0xF0 || bytes[1] == 0xF9) && (before.fpu.stack[0].sign_exponent & 0x7FFF) >= 0x3FFD;
}

// Status bits in which processors may differ; the engine follows the SDM.
unsigned compared_status(const uint8_t* bytes, const State& host) {
  // Of transcendental functions only the shape is compared here: their values have a test of their own.
  if (is_transcendental(bytes)) return 0xFFFFU & ~0x82B0U;
  // The SDM: FCOMI clears C1. AMD leaves it.
  if (is_flag_comparison(bytes)) return 0xFFFFU & ~0x0200U;
  // The SDM: no result when invalid is unmasked. AMD delivers it.
  if (is_comparison(bytes) && (host.fpu.status & 0x80) != 0) return 0xFFFFU & ~0x4500U;
  return 0xFFFFU;
}

const char* difference(const uint8_t* bytes, const State& host, const State& ours) {
  const bool approximate = is_transcendental(bytes);
  const unsigned status_mask = compared_status(bytes, host);
  const bool no_flags = is_flag_comparison(bytes) && (host.fpu.status & 0x80) != 0;
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
  if (!no_flags && ((host.flags ^ ours.flags) & status_flags) != 0) return "flags";
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
  if (is_undefined(bytes, before) || !machine.prepare(bytes, 2)) return;
  State ours{};
  const int vector = run_engine(machine, before, ours);
  save_engine(machine, ours);
  State host{};
  code.run(bytes, 2, before, host);
  const char* what = vector != -1 ? "fault" : difference(bytes, host, ours);
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
