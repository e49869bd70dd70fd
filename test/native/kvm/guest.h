// SPDX-License-Identifier: BSD-2-Clause
// A guest of ours in 16-bit real mode, run as a machine would run it.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "../check.h"
#include "engine/lapic_state.h"
#include "kvm/kvm_engine.h"

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

/// Time without end, for run().
inline constexpr std::int64_t never = INT64_MAX / 2;
inline constexpr std::uint64_t code_address = 0x1000, rom_address = 0x30000;

/// Whether one vCPU too has a thread of its own, when nothing else is said: main() tries both.
extern bool usually_crew;

struct Setting {
  unsigned vcpus = 1;
  bool always_crew = usually_crew;
  bool avx = false;  // the CPU model has XSAVE and AVX
};

struct Guest {
  /// RAM from 0 to 128 KiB, one page of ROM at 192 KiB. The code runs at 0:1000h; segments are 0, the stack ends at
  /// 0:8000h.
  explicit Guest(std::initializer_list<int> code, Setting setting = {});

  std::uint8_t* ram() { return memory.segments()[0].host; }
  /// Runs past slices without an exit.
  ExitKind run(std::int64_t deadline = never);
  /// Of the vCPU that has exited, or of vCPU 0 when none has.
  tsbhyve::ExitSlot& slot() { return engine->vcpu(exited).slot; }
  ExitKind safepoint();
  std::uint64_t get(Register index, unsigned vcpu = 0);
  void set(Register index, std::uint64_t value, unsigned vcpu = 0);
  std::vector<std::uint64_t> registers(unsigned vcpu = 0);
  void set_registers(const std::vector<std::uint64_t>& values, unsigned vcpu = 0);
  tsbhyve::VcpuEngine& vcpu(unsigned index = 0) { return engine->vcpu(index); }
  void put(std::uint64_t address, std::initializer_list<int> bytes);
  void put(std::uint64_t address, std::span<const std::uint8_t> bytes);
  /// Points a real-mode vector at 0:`handler`.
  void vector(unsigned number, std::uint16_t handler);
  /// Sets the LAPIC's software enable.
  void enable_lapic(unsigned index = 0);
  /// Runs to a byte that is written to a port. vCPUs on threads may be said to sleep when they have just been woken.
  void expect_out(unsigned port, unsigned value);

  tsbhyve::GuestRam memory;
  std::unique_ptr<tsbhyve::kvm::KvmEngine> engine;
  unsigned exited = 0;
};

/// The same machine in another engine, which goes on from there. `guest` stands at a safepoint, and does so from now
/// on.
std::unique_ptr<Guest> moved(Guest& guest, Setting setting);

constexpr std::size_t index_of(Register index) { return static_cast<std::size_t>(index); }
constexpr std::size_t index_of(tsbhyve::LapicRow index) { return static_cast<std::size_t>(index); }

void nested_cases();
void exit_cases();
void interrupt_cases();
void time_cases();
void state_cases();
void smp_cases();
void doorbell_cases();
void avx_cases();

/// System calls of the kind since the program started.
unsigned long ioctl_count();

}  // namespace test
