// SPDX-License-Identifier: BSD-2-Clause
// A guest of ours in the vmm engine, without Node: on FreeBSD under the kernel's vmm, elsewhere under its imitation.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "../check.h"
#include "engine/lapic_state.h"
#include "vmm/vmm_engine.h"

namespace test {

using tsbhyve::ExitKind;
using tsbhyve::Register;
using tsbhyve::RegisterGroup;

#define CHECK_EQUAL(actual, expected)                                                                           \
  do {                                                                                                          \
    const auto got = static_cast<unsigned long long>(actual), want = static_cast<unsigned long long>(expected); \
    if (got != want) {                                                                                          \
      test::failures++;                                                                                         \
      std::printf("%s:%d: %s is %#llx, expected %#llx\n", __FILE__, __LINE__, #actual, got, want);              \
    }                                                                                                           \
  } while (0)

inline constexpr std::int64_t never = INT64_MAX / 2;
inline constexpr std::uint64_t code_address = 0x1000;
inline constexpr std::uint64_t ram_bytes = 512 << 10;  // what lies above is device memory

/// Which libvmmapi; empty: the system's.
inline std::string library_path;

struct Guest {
  /// The code runs at 0:1000h in real mode with all segments 0 and the stack ending at 0:8000h;
  /// FS is at the local APIC.
  explicit Guest(const std::vector<int>& code, unsigned vcpus = 1);

  std::uint8_t* ram() { return memory.segments()[0].host; }
  /// Runs past slices without an exit.
  ExitKind run(std::int64_t deadline = never);
  tsbhyve::Exit run_all(std::int64_t deadline = never);
  std::uint64_t get(Register index);
  void set(Register index, std::uint64_t value);
  std::vector<std::uint64_t> registers();
  void put(std::uint64_t address, const std::vector<int>& bytes);
  /// Points a real-mode vector at 0:`handler`.
  void vector(unsigned number, std::uint16_t handler);
  /// The next exit is to be this one.
  void expect(ExitKind kind, std::uint64_t address, unsigned width);

  tsbhyve::GuestRam memory;
  std::unique_ptr<tsbhyve::vmm::VmmEngine> engine;
};

constexpr std::size_t index_of(Register index) { return static_cast<std::size_t>(index); }

void exit_cases();
void emulation_cases();
void interrupt_cases();
void state_cases(bool can_save);
void several_cases(bool can_save);

}  // namespace test
