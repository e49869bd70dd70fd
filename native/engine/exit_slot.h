// SPDX-License-Identifier: BSD-2-Clause
// The fixed 64-byte record in which a vCPU tells the device model what it needs, and reads the answer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve {

/// Compared by src/hypervisor/addon.ts: a stale build is refused by name.
inline constexpr std::uint32_t abi_version = 10;

enum class ExitKind : std::uint32_t {
  None = 0,
  PortRead,  // answer in data
  PortWrite,
  MmioRead,  // answer in data
  MmioWrite,
  MsrRead,  // answer in data, or refused = 1 for #GP(0)
  MsrWrite,
  Hlt,                   // all vCPUs wait for an interrupt; detail: 1 when none can take one
  InterruptAcknowledge,  // answer: vector in data
  Eoi,                   // address = vector of a level-triggered interrupt that ended
  Shutdown,              // triple fault
  Deadline,              // VM time has reached the deadline of run()
  Woken,                 // wake() was called
  Debug,                 // a debugger's stop
  Error,                 // detail names what the engine cannot go on from
};

struct ExitSlot {
  std::uint32_t kind;     // ExitKind
  std::uint32_t width;    // bytes: 1, 2, 4 or 8
  std::uint64_t address;  // port, guest physical address, MSR or vector
  std::uint64_t data;     // value written, or the answer
  std::uint32_t refused;  // answer to an MSR exit
  std::uint32_t detail;
  std::uint64_t instructions;  // retired by this vCPU at the exit
  std::int64_t time;           // VM time in nanoseconds at the exit
  std::uint64_t rip;
  std::uint64_t deadline;  // to run(), in the slot of vCPU 0: absolute VM time in nanoseconds
};

static_assert(sizeof(ExitSlot) == 64);
static_assert(offsetof(ExitSlot, kind) == 0 && offsetof(ExitSlot, width) == 4);
static_assert(offsetof(ExitSlot, address) == 8 && offsetof(ExitSlot, data) == 16);
static_assert(offsetof(ExitSlot, refused) == 24 && offsetof(ExitSlot, detail) == 28);
static_assert(offsetof(ExitSlot, instructions) == 32 && offsetof(ExitSlot, time) == 40 &&
              offsetof(ExitSlot, rip) == 48);

}  // namespace tsbhyve
