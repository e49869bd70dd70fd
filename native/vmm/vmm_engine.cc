// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/vmm_engine.h"

#include <algorithm>
#include <stdexcept>

#include "vmm/lapic.h"
#include "vmm/run.h"

namespace tsbhyve::vmm {

namespace {

/// Stays in the kernel, in host nanoseconds. Getting out of one ends the guest's halt for nothing, so a guest that has
/// nothing to say is left alone for longer.
constexpr std::int64_t shortest_slice = 4'000'000, longest_slice = 32'000'000;

const Library& library_for(const EngineOptions& options) {
  if (options.virtual_clock)
    throw EngineError{0, "vmm", "the virtual clock needs an engine that counts instructions: soft"};
  if (options.vcpus != 1) throw EngineError{0, "vmm", "this engine runs 1 vCPU, not " + std::to_string(options.vcpus)};
  const Library& library = Library::load(options.library);
  remove_orphans(library);
  return library;
}

}  // namespace

VmmEngine::VmmEngine(GuestRam* ram, const EngineOptions& options)
    : library_(library_for(options)),
      ram_(ram),
      vm_(library_, ram),
      registers_(library_, vm_.processor()),
      kick_(library_, vm_.processor()),
      emulator_(ram),
      saved_(vm_),
      chipset_(vm_, &saved_),
      slice_(shortest_slice) {}

Capabilities VmmEngine::capabilities() const {
  Capabilities result{"vmm", false, false, false, false, lapic_hz, 1, false, saved_.missing()};
  result.chipset = "kernel";
  result.maps_files = false;
  result.tells_halt = false;
  return result;
}

Exit VmmEngine::leave(ExitKind kind) {
  slot.kind = static_cast<std::uint32_t>(kind);
  slot.instructions = 0;
  slot.time = time();
  slot.rip = exit_.rip;
  return {kind, 0};
}

ExitKind VmmEngine::fail(std::string sentence) {
  error_ = std::move(sentence);
  slot.detail = static_cast<std::uint32_t>(exit_.exitcode);
  return ExitKind::Error;
}

Exit VmmEngine::run(std::int64_t deadline) {
  if (const ExitKind next = take_answer(); next != ExitKind::None) return leave(next);
  for (;;) {
    if (kick_.take_wake()) return leave(ExitKind::Woken);
    if (end_ != ExitKind::None) return leave(end_);
    const std::int64_t now = time();
    if (now >= deadline) return leave(ExitKind::Deadline);
    kick_.enter(host_now() + std::min(deadline - now, slice_));
    try {
      run_vcpu(library_, vm_.processor(), exit_);
    } catch (...) {
      kick_.leave();
      throw;
    }
    kick_.leave();
    advances_ = exit_.inst_length != 0;
    if (exit_.exitcode == VM_EXITCODE_DEBUG) return interrupted(deadline);
    const ExitKind kind = decode();
    if (kind == ExitKind::None) continue;
    slice_ = shortest_slice;
    return leave(kind);
  }
}

Exit VmmEngine::interrupted(std::int64_t deadline) {
  if (kick_.take_wake()) return leave(ExitKind::Woken);
  if (time() >= deadline) return leave(ExitKind::Deadline);
  slice_ = std::min(2 * slice_, longest_slice);
  return leave(ExitKind::None);
}

Exit VmmEngine::safepoint() {
  if (const ExitKind next = take_answer(); next != ExitKind::None) return leave(next);
  finish_instruction();
  return {};
}

/// The kernel keeps the next instruction's address to itself until it runs on; what it is told to be RIP it takes. An
/// instruction that is done has also left the shadow behind STI or MOV SS.
void VmmEngine::finish_instruction() {
  if (!advances_) return;
  advances_ = false;
  registers_.set_one(VM_REG_GUEST_RIP, exit_.rip + static_cast<std::uint64_t>(exit_.inst_length));
  registers_.set_one(VM_REG_GUEST_INTR_SHADOW, 0);
}

void VmmEngine::set_time(std::int64_t nanoseconds) {
  if (nanoseconds < 0)
    throw std::invalid_argument("time: " + std::to_string(nanoseconds) + " is not a VM time, which is never negative");
  base_ = held_ ? nanoseconds : nanoseconds - host_now();
}

/// The kernel's own timers and the TSC do not stand still meanwhile. What was restored begins to count when it is let
/// go.
void VmmEngine::hold_time(bool held) {
  if (held == held_) return;
  base_ = held ? host_now() + base_ : base_ - host_now();
  held_ = held;
  if (!held) saved_.let_time_run();
}

void VmmEngine::send_msi(std::uint64_t address, std::uint32_t data) {
  TSBHYVE_VMM(library_, vm_lapic_msi, vm_.ctx(), address, data);
}

void VmmEngine::inject_nmi() { TSBHYVE_VMM(library_, vm_inject_nmi, vm_.processor()); }

void VmmEngine::reset() {
  owed_ = Owed::Nothing;
  advances_ = false;
  end_ = ExitKind::None;
  vm_.reset();
}

void VmmEngine::set_shared(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) throw std::invalid_argument("the shared section of vmm: expected nothing");
}

void VmmEngine::memory_written(std::uint64_t physical, std::uint64_t length) {
  library_.memory_written(vm_.ctx(), physical, length);
}

void VmmEngine::dirty_log_taken() {
  throw EngineError{0, "vmm", "the kernel does not tell which memory the guest has written"};
}

}  // namespace tsbhyve::vmm
