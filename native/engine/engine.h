// SPDX-License-Identifier: BSD-2-Clause
// The engine contract: what soft, kvm and vmm offer to the machine (docs/decisions/0022). An Engine is the processor
// side of one machine, a VcpuEngine one vCPU of it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/exit_slot.h"
#include "engine/guest_ram.h"
#include "engine/kernel_chipset.h"
#include "engine/registers.h"

namespace tsbhyve {

/// A row of the CPU model, as CPUID returns it.
struct CpuidRow {
  std::uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

enum class TranslatorMode : std::uint8_t { Off, On, Lockstep };

/// soft: hot code as host code, where the build and the host can.
struct TranslatorOptions {
  TranslatorMode mode = TranslatorMode::On;
  std::uint32_t heat = 48;                             // runs of a block after which it is translated
  std::uint64_t code_bytes = std::uint64_t{64} << 20;  // of host code, for all vCPUs together
  std::string perf_map;                                // file in which perf(1) finds names for it; empty: none
  bool without_bmi2 = false;                           // as on a host that has none: for tests
};

struct EngineOptions {
  bool virtual_clock = false;
  std::uint32_t nanoseconds_numerator = 1, nanoseconds_denominator = 1;  // virtual clock: VM time an instruction
  std::uint64_t tsc_hz = 1'000'000'000;
  std::uint32_t lapic_hz = 1'000'000'000;  // soft
  std::uint32_t physical_address_bits = 40;
  std::uint32_t vcpus = 1;
  std::vector<CpuidRow> cpuid;
  std::vector<int> host_cpus;   // by vCPU: the host's processor that its thread stays on, -1: any
  std::string library;          // vmm: another libvmmapi than the system's; tests have one
  std::size_t most_blocks = 0;  // soft: decoded blocks that each vCPU keeps; 0: as many as serve it. Tests keep few.
  TranslatorOptions translator;
};

/// What an engine can do: the TypeScript side prints and compares it.
struct Capabilities {
  const char* engine;
  bool deterministic;
  bool counts_instructions;  // what the virtual clock needs
  bool cpuid_settable;
  bool tsc_scalable;
  std::uint32_t lapic_hz;
  std::uint32_t max_vcpus;
  bool dirty_log;
  std::string missing_from_snapshot;  // empty: complete
  const char* chipset = "ts";         // or "kernel": Engine::chipset()
  bool maps_files = true;             // guest memory may be mapped from a file
  bool tells_halt = true;             // a halt that an interrupt may end is an exit
  /// Feature bits of the CPU model that this host lacks: rows that hold nothing else.
  std::vector<CpuidRow> masked_cpuid{};
};

/// Failure of an engine: the system call and errno, or errno 0 and a sentence.
struct EngineError {
  int number;
  const char* call;
  std::string message;
};

/// Why run() or safepoint() came back, and for which vCPU: the slot that says more and takes the answer is its.
struct Exit {
  ExitKind kind = ExitKind::None;
  std::uint32_t vcpu = 0;
};

inline constexpr std::uint32_t max_vcpus = 16;

/// One vCPU. Everything but the slot is for safepoints and for machines that have not run yet.
class VcpuEngine {
 public:
  virtual ~VcpuEngine() = default;

  /// The record this vCPU fills at each of its exits and reads answers from.
  ExitSlot slot{};

  /// One sentence on its last ExitKind::Error: what the engine cannot go on from.
  virtual std::string error_text() const = 0;
  virtual std::uint64_t instructions() const = 0;
  /// By name, what it has done since it was made; at a safepoint.
  virtual std::vector<std::pair<std::string, std::uint64_t>> counters() const { return {}; }
  virtual void inject_nmi() = 0;

  // State, out and in.
  virtual void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) = 0;
  virtual void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) = 0;
  virtual std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() = 0;
  virtual void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) = 0;
  virtual std::vector<std::uint8_t> get_xsave() = 0;  // legacy region and header, standard format
  virtual void set_xsave(std::span<const std::uint8_t> image) = 0;
  virtual std::vector<std::uint64_t> get_lapic() = 0;  // lapic state rows, engine/lapic_state.h
  virtual void set_lapic(std::span<const std::uint64_t> rows) = 0;
  /// Named engine-private sections: another engine may drop them.
  virtual std::vector<std::uint8_t> get_private() = 0;
  virtual void set_private(std::span<const std::uint8_t> bytes) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Capabilities capabilities() const = 0;

  virtual std::uint32_t vcpu_count() const = 0;
  /// `index` is below vcpu_count(), and the vCPU's APIC id.
  virtual VcpuEngine& vcpu(std::uint32_t index) = 0;

  /// Runs all vCPUs until one of them needs the device model, `deadline` (absolute VM time in ns) is reached or `wake`
  /// is called. Never longer than a few milliseconds of host time: then it returns ExitKind::None and is called again.
  /// The answer to the exit returned last lies in its vCPU's slot. Others that need the device model meanwhile wait,
  /// and come out of the next calls one at a time. Hlt means that all vCPUs wait for an interrupt; slot.detail is 1
  /// when none of them can take one.
  virtual Exit run(std::int64_t deadline) = 0;
  /// Makes run() return Woken soon. Any thread.
  virtual void wake() = 0;
  /// Brings all vCPUs between two instructions and keeps them there until the next run(): finishes those that wait for
  /// an answer, without starting others. Returns the exit that one of them needs first, else None.
  virtual Exit safepoint() = 0;

  /// No vCPU is inside a store from here to the next run(): before the dirty log is opened or taken.
  virtual void stand() {}
  /// `on_news` is called, on any thread, when a vCPU needs the device model while nobody is inside of run().
  virtual void set_news(std::function<void()> on_news) { static_cast<void>(on_news); }

  /// VM time in ns. setTime moves it forward past idle time, or sets it at a restore.
  virtual std::int64_t time() const = 0;
  virtual void set_time(std::int64_t nanoseconds) = 0;
  /// While held, VM time stands still (real clock).
  virtual void hold_time(bool held) = 0;
  /// Next deadline inside the engine (LAPIC timers), or INT64_MAX.
  virtual std::int64_t next_deadline() const = 0;

  /// Doorbells: stores that stop no vCPU, but call `rung` on any thread. Their exits need not come then; without
  /// has_doorbells() they always do. `width` in bytes; a token names one doorbell.
  virtual bool has_doorbells() const { return false; }
  virtual void set_doorbells(std::function<void(std::uint32_t token)> rung) { static_cast<void>(rung); }
  virtual void add_doorbell(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token) {
    static_cast<void>(is_port), static_cast<void>(address), static_cast<void>(width), static_cast<void>(token);
  }
  virtual void remove_doorbell(std::uint32_t token) { static_cast<void>(token); }

  /// An interrupt message, for whichever vCPUs it is addressed to.
  virtual void send_msi(std::uint64_t address, std::uint32_t data) = 0;
  /// INTR of the 8259 pair. The wire leads to LINT0 of every local APIC, as on a PC; firmware opens vCPU 0's only.
  virtual void set_external_interrupt(bool level) = 0;
  /// The machine's reset line: vCPU 0 starts at the reset vector, the others wait for SIPI.
  virtual void reset() = 0;
  /// Null: interrupt controllers and timers are the machine's own.
  virtual KernelChipset* chipset() { return nullptr; }

  /// What belongs to all vCPUs together and only this engine understands; empty when there is nothing, as with one
  /// vCPU.
  virtual std::vector<std::uint8_t> get_shared() = 0;
  /// After the private sections of all vCPUs.
  virtual void set_shared(std::span<const std::uint8_t> bytes) = 0;

  /// Guest memory was written by someone else: translated code must not outlive it.
  virtual void memory_written(std::uint64_t physical, std::uint64_t length) = 0;
  /// Whether it must hear of those writes too that went to pages which want no attention (guest_ram.h).
  virtual bool hears_every_write() const { return true; }
  /// A dirty-log client took its log: writes must be seen again.
  virtual void dirty_log_taken() = 0;
  /// Test hook: drops every derived cache. Nothing a guest can see may change.
  virtual void drop_caches() = 0;
  /// Test hook: hot code does without host code from here on, or no more. Nothing a guest can see may change.
  virtual void rest_translator(bool resting) { static_cast<void>(resting); }
};

}  // namespace tsbhyve
