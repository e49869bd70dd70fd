// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/vmm_vcpu.h"

#include <algorithm>
#include <chrono>

namespace tsbhyve::vmm {

namespace {

/// Stays in the kernel, in host nanoseconds. Getting out of one ends the guest's halt for nothing, so a guest that has
/// nothing to say is left alone for longer. On a thread of its own nothing but a kick is waited for.
constexpr std::int64_t shortest_slice = 4'000'000, longest_slice = 32'000'000, own_thread_slice = 500'000'000;

/// For a guest that cannot be saved where it stands.
constexpr std::int64_t short_run = 50'000;

/// How long another vCPU may have to wait for one that does not run.
constexpr std::chrono::microseconds between_looks{100};
constexpr std::chrono::milliseconds between_looks_of_waiting{1};

}  // namespace

VmmVcpu::VmmVcpu(Surroundings all, std::uint32_t index)
    : all_(std::move(all)),
      index_(index),
      registers_(library(), processor()),
      kick_(library(), processor()),
      emulator_(all_.ram),
      fpu_(library(), processor(), all_.scratch, &registers_),
      slice_(shortest_slice),
      waits_for_start_(index > 0) {}

Exit VmmVcpu::leave(ExitKind kind) {
  asked_.kind = static_cast<std::uint32_t>(kind);
  return present();
}

Exit VmmVcpu::present() {
  asked_.instructions = 0;
  asked_.time = all_.clock.time();
  asked_.rip = exit_.rip;
  asked_.deadline = slot.deadline;
  slot = asked_;
  return {static_cast<ExitKind>(slot.kind), index_};
}

ExitKind VmmVcpu::fail(std::string sentence) {
  error_ = std::move(sentence);
  asked_.detail = static_cast<std::uint32_t>(exit_.exitcode);
  return ExitKind::Error;
}

void VmmVcpu::enter(std::int64_t host_time) {
  fpu_state_.reset();
  kick_.enter(host_time);
  try {
    if (nmi_.exchange(false)) TSBHYVE_VMM(library(), vm_inject_nmi, processor());
    run_vcpu(library(), processor(), exit_, named_);
  } catch (...) {
    kick_.leave();
    throw;
  }
  kick_.leave();
  advances_ = exit_.inst_length != 0;
}

/// Stopped before it is entered, so that the guest does not run.
void VmmVcpu::look_in() {
  kick_.nudge();
  enter(host_now() + own_thread_slice);
  if (exit_.exitcode == VM_EXITCODE_SUSPENDED) decode();
}

ExitKind VmmVcpu::run_here(std::int64_t deadline) {
  if (const ExitKind next = take_answer(); next != ExitKind::None) return next;
  for (;;) {
    if (kick_.take_wake()) return ExitKind::Woken;
    if (end_ != ExitKind::None) return end_;
    take_start();
    const std::int64_t now = all_.clock.time();
    if (now >= deadline) return ExitKind::Deadline;
    enter(host_now() + std::min(deadline - now, slice_));
    if (exit_.exitcode == VM_EXITCODE_DEBUG) return interrupted(deadline);
    const ExitKind kind = decode();
    if (kind == ExitKind::None) continue;
    slice_ = shortest_slice;
    return kind;
  }
}

ExitKind VmmVcpu::interrupted(std::int64_t deadline) {
  if (kick_.take_wake()) return ExitKind::Woken;
  if (all_.clock.time() >= deadline) return ExitKind::Deadline;
  slice_ = std::min(2 * slice_, longest_slice);
  return ExitKind::None;
}

/// A wake that waits would keep the guest out for ever: it is put back for the next run.
ExitKind VmmVcpu::run_on() {
  const bool woken = kick_.take_wake();
  enter(host_now() + short_run);
  if (woken) kick_.wake();
  return decode();
}

CrewStop VmmVcpu::ask(ExitKind kind) {
  asked_.kind = static_cast<std::uint32_t>(kind);
  return CrewStop::Exit;
}

CrewStop VmmVcpu::run() {
  if (const ExitKind next = take_answer(); next != ExitKind::None) return ask(next);
  for (;;) {
    if (all_.gate.is_shut()) return step_aside();
    if (end_ != ExitKind::None) return ask(end_);
    take_start();
    if (waits_for_start_) {
      wait_for_start();
      continue;
    }
    if (!all_.gate.enter()) continue;
    try {
      enter(host_now() + own_thread_slice);
    } catch (...) {
      all_.gate.leave();
      throw;
    }
    all_.gate.leave();
    if (const ExitKind kind = decode(); kind != ExitKind::None) return ask(kind);
  }
}

/// See Gate. Where it opens again meanwhile, others may go inside and stay.
CrewStop VmmVcpu::step_aside() {
  while (all_.gate.is_shut() && all_.gate.anybody_inside() && end_ == ExitKind::None) {
    look_in();
    std::this_thread::sleep_for(between_looks);
  }
  return CrewStop::Again;
}

void VmmVcpu::wait_for_start() {
  look_in();
  std::unique_lock guard(lock_);
  changed_.wait_for(guard, between_looks_of_waiting, [this] { return mail_.start.has_value(); });
}

void VmmVcpu::receive_init() {
  {
    const std::lock_guard guard(lock_);
    mail_ = {true, {}};
  }
  kick_.nudge();
}

void VmmVcpu::receive_start(std::uint8_t vector) {
  const std::lock_guard guard(lock_);
  mail_.start = vector;
  changed_.notify_all();
}

/// The kernel has reset the local APIC; the rest of INIT is for us to do, and of SIPI (SDM vol. 3, 8.4.3).
void VmmVcpu::take_start() {
  const std::lock_guard guard(lock_);
  const Mail mail = std::exchange(mail_, {});
  if (mail.init) {
    TSBHYVE_VMM(library(), vcpu_reset, processor());
    owed_ = Owed::Nothing;
    advances_ = nmi_ = false;
    waits_for_start_ = index_ > 0;
  }
  if (!mail.start || !waits_for_start_) return;
  const std::uint64_t vector = *mail.start;
  std::vector<std::uint64_t> values(register_count);
  registers_.get(RegisterGroup::All, values);
  const std::vector<std::uint64_t> before = values;
  values[row(Register::cs_selector)] = vector << 8;
  values[row(Register::cs_base)] = vector << 12;
  values[row(Register::rip)] = 0;
  registers_.update(before, values);
  waits_for_start_ = false;
}

/// What the kernel is about to hand to the guest it does not save, nor the shadow behind STI and MOV SS.
bool VmmVcpu::is_settled() {
  take_start();
  finish_instruction();
  if (!all_.saved.supported() || end_ != ExitKind::None) return true;
  if (has_event() || registers_.get_one(VM_REG_GUEST_INTR_SHADOW) != 0) return false;
  if (!fpu_state_) read_fpu();
  return fpu_state_.has_value();
}

/// An interrupt or exception whose delivery something has broken off, or an exception of ours. NMIs are not among them.
bool VmmVcpu::has_event() {
  std::uint64_t broken_off = 0, injected = 0;
  TSBHYVE_VMM(library(), vm_get_intinfo, processor(), &broken_off, &injected);
  return broken_off != 0 || injected != 0;
}

/// An NMI that waited in the kernel, where nobody sees it, has come out with that.
void VmmVcpu::read_fpu() {
  fpu_state_ = fpu_.read();
  if (fpu_.take_nmi()) nmi_ = true;
}

/// The kernel keeps the next instruction's address to itself until it runs on; what it is told to be RIP it takes. An
/// instruction that is done has also left the shadow behind STI or MOV SS.
void VmmVcpu::finish_instruction() {
  if (!advances_) return;
  advances_ = false;
  registers_.set_one(VM_REG_GUEST_RIP, exit_.rip + static_cast<std::uint64_t>(exit_.inst_length));
  registers_.set_one(VM_REG_GUEST_INTR_SHADOW, 0);
}

/// One that waits for SIPI has nobody to take it.
void VmmVcpu::inject_nmi() {
  if (waits_for_start_) return;
  nmi_ = true;
  kick_.end_stay();
}

void VmmVcpu::reset() {
  owed_ = Owed::Nothing;
  advances_ = nmi_ = false;
  fpu_state_.reset();
  end_ = ExitKind::None;
  mail_ = {};
  waits_for_start_ = index_ > 0;
}

}  // namespace tsbhyve::vmm
