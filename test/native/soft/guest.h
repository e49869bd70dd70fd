// SPDX-License-Identifier: BSD-2-Clause
// A small guest of our own in a soft engine: code bytes at a real-mode address, and what it did.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "../check.h"
#include "engine/guest_ram.h"
#include "soft/soft_engine.h"

namespace tsbhyve::test {

using ::test::require;

/// Runs from 0:1000h in real mode with SP = 8000h and every interrupt vector pointing to an IRET at 0:500h.
class Guest {
 public:
  explicit Guest(std::initializer_list<int> code, std::uint32_t numerator = 1)
      : Guest(std::vector<int>(code), numerator) {}
  explicit Guest(const std::vector<int>& code, std::uint32_t numerator = 1) : Guest(code, virtual_clock(numerator)) {}
  Guest(const std::vector<int>& code, const EngineOptions& options) {
    ram.add_segment(0, 1 << 20, false);
    engine = std::make_unique<soft::SoftEngine>(&ram, options);
    vcpu = &engine->vcpu(0);
    write(0x1000, code);
    write(0x500, {0xcf});
    for (std::uint32_t vector = 0; vector < 256; vector++) write(vector * 4, {0x00, 0x05, 0x00, 0x00});
    set(Register::cs_selector, 0);
    set(Register::cs_base, 0);
    set(Register::rip, 0x1000);
    set(Register::rsp, 0x8000);
  }

  void write(std::uint64_t at, const std::vector<int>& bytes) {
    for (std::size_t i = 0; i < bytes.size(); i++) byte(at + i) = static_cast<std::uint8_t>(bytes[i]);
    engine->memory_written(at, bytes.size());
  }
  std::uint8_t& byte(std::uint64_t at) {
    std::uint8_t* page = ram.host_page(at);
    if (!page) std::abort();
    return page[at & 4095];
  }

  std::uint64_t get(Register which) {
    std::vector<std::uint64_t> values(register_count);
    vcpu->get_registers(RegisterGroup::All, values);
    return values[static_cast<std::size_t>(which)];
  }
  void set(Register which, std::uint64_t value) {
    std::vector<std::uint64_t> values(register_count);
    vcpu->get_registers(RegisterGroup::All, values);
    values[static_cast<std::size_t>(which)] = value;
    vcpu->set_registers(RegisterGroup::All, values);
  }

  ExitKind run(std::int64_t deadline) { return engine->run(deadline).kind; }

  /// Runs until HLT, answering reads with 5Ah and noting writes. At most `step` instructions a call of run().
  void run_to_halt(std::int64_t step = 1 << 20) {
    for (int calls = 0; calls < 10'000'000; calls++) {
      const ExitKind kind = run(engine->time() + step);
      switch (kind) {
        case ExitKind::Hlt: return;
        case ExitKind::PortWrite:
        case ExitKind::MmioWrite: written.push_back(vcpu->slot.data); break;
        case ExitKind::PortRead:
        case ExitKind::MmioRead: vcpu->slot.data = 0x5a; break;
        case ExitKind::Shutdown: require(false, "triple fault at " + std::to_string(get(Register::rip)));
        default: break;
      }
    }
    require(false, "the guest does not come to an end");
  }

  static EngineOptions virtual_clock(std::uint32_t numerator) {
    EngineOptions options;
    options.virtual_clock = true;
    options.nanoseconds_numerator = numerator;
    return options;
  }

  /// Everything: registers, MSRs, FPU, APIC, private section, memory.
  std::vector<std::uint8_t> everything() {
    std::vector<std::uint64_t> values(register_count);
    vcpu->get_registers(RegisterGroup::All, values);
    std::vector<std::uint8_t> all(reinterpret_cast<std::uint8_t*>(values.data()),
                                  reinterpret_cast<std::uint8_t*>(values.data() + values.size()));
    for (const auto& part : {vcpu->get_xsave(), vcpu->get_private()}) all.insert(all.end(), part.begin(), part.end());
    const std::uint8_t* memory = ram.segments().front().host;
    all.insert(all.end(), memory, memory + (1 << 20));
    return all;
  }

  GuestRam ram;
  std::unique_ptr<soft::SoftEngine> engine;
  soft::SoftVcpu* vcpu;
  std::vector<std::uint64_t> written;
};

}  // namespace tsbhyve::test
