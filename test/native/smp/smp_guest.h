// SPDX-License-Identifier: BSD-2-Clause
// A guest with several vCPUs on host threads: 64-bit code of a test, which every vCPU runs once. Each starts as on
// hardware: the first at its reset vector, the others by INIT and SIPI from there.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../check.h"
#include "engine/guest_ram.h"
#include "soft/host/guest_access.h"
#include "soft/soft_engine.h"

namespace tsbhyve::test {

using ::test::require;
using ::test::work_divisor;

/// Where things lie in the first MiB. It is mapped onto itself, but for `window`: 4 KiB that lead to `window_page`.
inline constexpr std::uint64_t code_at = 0x10000, parameters_at = 0x20000, data_at = 0x21000, window = 0x100000,
                               window_page = 0x30000;

/// The code of a test, between two labels of its own. It is entered with EDI = number of the vCPU, ESI = how many there
/// are, EDX = rounds, RBX = data_at, and ends with RET.
struct GuestCode {
  const std::uint8_t *begin, *end;
};
#define SMP_GUEST_CODE(name, text)                                                       \
  asm(".pushsection .rodata\n.intel_syntax noprefix\n" #name "_begin:\n" text "\n" #name \
      "_end:\n.att_syntax\n.popsection\n");                                              \
  extern "C" const std::uint8_t name##_begin[], name##_end[];                            \
  const tsbhyve::test::GuestCode name { name##_begin, name##_end }

enum class Tier { Handlers, Translated /* where the build and the host have a translator */ };

class SmpGuest {
 public:
  SmpGuest(std::uint32_t vcpus, const GuestCode& code, std::uint32_t rounds, Tier tier);

  /// Runs until every vCPU has come to the end of the code, and stands.
  void run() {
    while (!step(INT64_MAX))
      ;
    safepoint();
  }
  /// One call of run() at most, for so much VM time; true at the end.
  bool step(std::int64_t nanoseconds);

  /// Another machine in place of this one, of another tier, with the same state. At a safepoint.
  void move_to_new_machine();
  void safepoint();

  /// The vCPUs may run meanwhile.
  std::uint64_t word(std::uint64_t at, unsigned size = 8) const {
    std::uint64_t value = 0;
    soft::host::copy_from(&value, memory() + at, size);
    return value;
  }
  void put(std::uint64_t at, std::uint64_t value, unsigned size = 8) { std::memcpy(memory() + at, &value, size); }
  std::uint8_t* memory() const { return ram->segments().front().host; }

  std::unique_ptr<GuestRam> ram;
  std::unique_ptr<soft::SoftEngine> engine;

 private:
  void open_machine();
  void take(const Exit& exit);

  const std::uint32_t vcpus_;
  Tier tier_;
  bool ended_ = false;
};

}  // namespace tsbhyve::test
