// SPDX-License-Identifier: BSD-2-Clause
#include "soft/soft_engine.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "soft/host/rounding.h"
#include "soft/memory/access.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

/// A slice of run(): short enough to answer wake() and the host's clock within a few milliseconds.
constexpr u64 virtual_slice = 1'000'000, real_slice = 100'000;

ExitKind exit_kind(const DeviceAccess& access) {
  switch (access.kind) {
    case AccessKind::Memory: return access.is_write ? ExitKind::MmioWrite : ExitKind::MmioRead;
    case AccessKind::Port: return access.is_write ? ExitKind::PortWrite : ExitKind::PortRead;
    case AccessKind::Msr: return access.is_write ? ExitKind::MsrWrite : ExitKind::MsrRead;
    case AccessKind::InterruptAcknowledge: return ExitKind::InterruptAcknowledge;
  }
  return ExitKind::Error;
}

/// Refuses what the arithmetic of time and paging cannot work with.
void check_options(const EngineOptions& options) {
  const auto refuse = [](const char* name, u64 value, const char* accepted) {
    throw std::invalid_argument(std::string(name) + ": " + std::to_string(value) + " is not " + accepted);
  };
  if (options.nanoseconds_numerator == 0) refuse("numerator", 0, "positive");
  if (options.nanoseconds_denominator == 0) refuse("denominator", 0, "positive");
  if (options.tsc_hz == 0) refuse("tscHz", 0, "positive");
  const u32 bits = options.physical_address_bits;
  if (bits < 32 || bits > 52) refuse("physicalAddressBits", bits, "between 32 and 52");
}

}  // namespace

SoftEngine::SoftEngine(GuestRam* ram, const EngineOptions& options)
    : cpu_(std::make_unique<Cpu>()),
      ram_(ram),
      time_(options.virtual_clock, options.nanoseconds_numerator, options.nanoseconds_denominator),
      cpuid_(options.cpuid),
      mmu_(cpu_.get()),
      blocks_(cpu_.get(), ram),
      apic_((cpu_->platform = this, cpu_.get()), true),
      never_fast_(std::make_unique<FastEntry[]>(fast_entries)) {
  check_options(options);
  tsc_hz = options.tsc_hz;
  physical_bits = options.physical_address_bits;
  cpu_->mmu = &mmu_;
  cpu_->blocks = &blocks_;
  cpu_->apic = &apic_;
  cpu_->ram = ram;
  cpu_->never_fast = never_fast_.get();
  clear_fast_table(cpu_->never_fast);
  for (auto& table : cpu_->fast_tables) clear_fast_table(table);
  if (options.translator) translator_ = Translator::create(cpu_.get(), default_code_bytes);
  cpu_->translator = translator_.get();
  reset_cpu(cpu_.get(), false);
}

SoftEngine::~SoftEngine() { cpu_->translator = nullptr; }

Capabilities SoftEngine::capabilities() const {
  return {"soft", time_.is_virtual(), true, true, true, 1'000'000'000, 1, true, ""};
}

CpuidLeaf SoftEngine::cpuid(u32 leaf, u32 subleaf) const {
  const CpuidRow* found = nullptr;
  for (const CpuidRow& row : cpuid_) {
    if (row.leaf != leaf) continue;
    if (row.subleaf == subleaf) {
      found = &row;
      break;
    }
  }
  if (!found) return {leaf, subleaf, 0, 0, 0, 0};
  return {leaf, subleaf, found->eax, found->ebx, found->ecx, found->edx};
}

std::int64_t SoftEngine::time() const { return static_cast<std::int64_t>(time_.at(retired())); }
void SoftEngine::set_time(std::int64_t nanoseconds) {
  if (nanoseconds < 0)
    throw std::invalid_argument("time: " + std::to_string(nanoseconds) + " is not a VM time, which is never negative");
  time_.set(static_cast<u64>(nanoseconds), retired());
}
std::uint64_t SoftEngine::instructions() const { return retired(); }

std::int64_t SoftEngine::next_deadline() const {
  return static_cast<std::int64_t>(std::min<u64>(apic_.next_deadline(), INT64_MAX));
}

void SoftEngine::reset() {
  forget_instruction();
  apic_.reset();
  reset_cpu(cpu_.get(), false);
  mmu_.flush_all(false);
}

/// Lets `instructions` more be retired, without changing how many have been.
void SoftEngine::set_budget(u64 instructions) {
  cpu_->retire_limit = retired() + instructions;
  cpu_->budget = static_cast<i64>(instructions);
}

/// The instruction in flight is no more: another state takes its place.
void SoftEngine::forget_instruction() {
  awaits_answer_ = false;
  cpu_->answered_count = cpu_->answered_used = 0;
}

void SoftEngine::take_answer() {
  if (!awaits_answer_) return;
  awaits_answer_ = false;
  answer_access(cpu_.get(), slot.data, slot.refused != 0);
}

ExitKind SoftEngine::leave(ExitKind kind) {
  slot.kind = static_cast<u32>(kind);
  slot.instructions = retired();
  slot.time = time();
  slot.rip = cpu_->rip;
  return kind;
}

ExitKind SoftEngine::device_exit() {
  const DeviceAccess& access = cpu_->access;
  awaits_answer_ = true;
  slot.width = access.width;
  slot.address = access.address;
  slot.data = access.value;
  slot.refused = 0;
  return leave(exit_kind(access));
}

ExitKind SoftEngine::after_stop(Stop stop) {
  switch (stop) {
    case Stop::Device: return device_exit();
    case Stop::Halted: slot.detail = (cpu_->rflags & rflags::IF) ? 0 : 1; return leave(ExitKind::Hlt);
    case Stop::Shutdown: return leave(ExitKind::Shutdown);
    case Stop::Budget:
    case Stop::Deadline: break;
  }
  return ExitKind::None;
}

/// The guest's rounding mode must never be seen by JavaScript.
Stop SoftEngine::under_guest_rounding(Stop (*work)(Cpu*)) {
  const u32 host_mxcsr = host::enter_guest_rounding(cpu_->mxcsr);
  const Stop stop = work(cpu_.get());
  host::leave_guest_rounding(host_mxcsr);
  return stop;
}

ExitKind SoftEngine::run(std::int64_t deadline) {
  take_answer();
  const u64 target = deadline < 0 ? 0 : static_cast<u64>(deadline);
  const u64 slice_end = retired() + (time_.is_virtual() ? virtual_slice : real_slice);
  for (;;) {
    if (const int vector = apic_.take_ended_level(); vector >= 0) {
      slot.address = static_cast<u64>(vector);
      return leave(ExitKind::Eoi);
    }
    if (woken_.exchange(false, std::memory_order_acquire)) return leave(ExitKind::Woken);
    const u64 now = time_.at(retired());
    // Among events of one instant the APIC's own come first.
    apic_.advance(now);
    if (cpu_->answered_count == 0 && now >= target) return leave(ExitKind::Deadline);
    if (retired() >= slice_end) return leave(ExitKind::None);
    u64 budget = slice_end - retired();
    if (time_.is_virtual()) {
      const u64 next = std::min<u64>(target, apic_.next_deadline());
      budget = std::min(budget, std::max<u64>(1, time_.instructions_until(next, retired())));
    }
    set_budget(budget);
    const ExitKind kind = after_stop(under_guest_rounding(execute));
    if (kind != ExitKind::None) return kind;
  }
}

ExitKind SoftEngine::safepoint() {
  take_answer();
  if (cpu_->answered_count == 0) return ExitKind::None;
  if (cpu_->budget <= 0) set_budget(1);
  return after_stop(under_guest_rounding(finish_instruction)) == ExitKind::None ? ExitKind::None
                                                                                : static_cast<ExitKind>(slot.kind);
}

/// exit_kind() has no other way to it.
std::string SoftEngine::error_text() const {
  return "the soft CPU asks for a device access of kind " + std::to_string(static_cast<unsigned>(cpu_->access.kind)) +
         ", which is none";
}

void SoftEngine::memory_written(std::uint64_t physical, std::uint64_t length) {
  ram_->for_each_part(physical, length, [this](u64 start, u64 size) { blocks_.written(start, size); });
}

void SoftEngine::drop_caches() {
  blocks_.flush();
  blocks_.collect();
  mmu_.drop_fast();
}

}  // namespace tsbhyve::soft
