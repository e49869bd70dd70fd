// SPDX-License-Identifier: BSD-2-Clause
#include "soft/soft_vcpu.h"

#include <string>
#include <utility>

#include "soft/host/rounding.h"
#include "soft/memory/access.h"
#include "soft/system/system.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

ExitKind exit_kind(const DeviceAccess& access) {
  switch (access.kind) {
    case AccessKind::Memory: return access.is_write ? ExitKind::MmioWrite : ExitKind::MmioRead;
    case AccessKind::Port: return access.is_write ? ExitKind::PortWrite : ExitKind::PortRead;
    case AccessKind::Msr: return access.is_write ? ExitKind::MsrWrite : ExitKind::MsrRead;
    case AccessKind::InterruptAcknowledge: return ExitKind::InterruptAcknowledge;
  }
  return ExitKind::Error;
}

size_t block_limit(const EngineOptions& options) {
  if (options.most_blocks != 0) return options.most_blocks;
  return std::max(BlockCache::max_blocks / options.vcpus, BlockCache::due_blocks);
}

}  // namespace

SoftVcpu::SoftVcpu(u32 index, GuestRam* ram, const EngineOptions& options, Shared shared)
    : index_(index),
      is_alone_(options.vcpus == 1),
      cpu_(std::make_unique<Cpu>()),
      time_(shared.time),
      cpuid_(options.cpuid),
      mmu_(cpu_.get()),
      blocks_(cpu_.get(), ram, index, block_limit(options)),
      apic_((cpu_->platform = this, apic_id = index, cpu_.get()), shared.bus),
      never_fast_(std::make_unique<FastEntry[]>(fast_entries)) {
  tsc_hz = options.tsc_hz;
  lapic_hz = options.lapic_hz;
  physical_bits = options.physical_address_bits;
  cpu_->mmu = &mmu_;
  cpu_->blocks = &blocks_;
  cpu_->apic = &apic_;
  cpu_->ram = ram;
  cpu_->takes_turns = !is_alone_ && options.virtual_clock;
  cpu_->never_fast = never_fast_.get();
  clear_fast_table(cpu_->never_fast);
  for (auto& table : cpu_->fast_tables) clear_fast_table(table);
  const auto& [mode, heat, code_bytes, perf_map, without_bmi2] = options.translator;
  if (mode != TranslatorMode::Off)
    translator_ = Translator::create(cpu_.get(), {code_bytes / options.vcpus, heat, shared.perf_map, without_bmi2});
  cpu_->translator = translator_.get();
  reset();
  if (mode == TranslatorMode::Lockstep) lockstep_ = std::make_unique<Lockstep>(*this, ram);
}

SoftVcpu::~SoftVcpu() { cpu_->translator = nullptr; }

void SoftVcpu::set_others(std::vector<Cpu*> others) {
  others_ = std::move(others);
  cpu_->others = others_;
}

CpuidLeaf SoftVcpu::cpuid(u32 leaf, u32 subleaf) const {
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

void SoftVcpu::reset() {
  forget_instruction();
  wants_alone_ = false;
  if (lockstep_) lockstep_->forget_memory();
  if (cpu_->threaded) cpu_->threaded->forget_messages();
  apic_.reset();
  reset_cpu(cpu_.get(), false);
  mmu_.flush_all(false);
  if (!apic_.is_bootstrap()) cpu_->run_state = RunState::WaitForSipi;
}

void SoftVcpu::set_threaded(ThreadedCpu* threaded) {
  cpu_->threaded = threaded;
  exit_ = threaded ? &own_slot_ : &slot;
}

void SoftVcpu::publish_slot() {
  const u64 deadline = slot.deadline;
  slot = own_slot_;
  slot.deadline = deadline;
}

/// What has been posted to it becomes state of its APIC. Before that is looked at, at a safepoint.
void SoftVcpu::settle() {
  if (cpu_->threaded) cpu_->threaded->deliver();
}

std::vector<std::uint64_t> SoftVcpu::get_lapic() {
  settle();
  return apic_.save();
}

void SoftVcpu::inject_nmi() {
  if (cpu_->threaded) {
    cpu_->threaded->post(Nmi, 0, false);
  } else if (cpu_->run_state != RunState::WaitForSipi) {
    cpu_->nmi_pending = true;
  }
}

void SoftVcpu::set_external_interrupt(bool level) {
  if (cpu_->threaded) {
    cpu_->threaded->set_external_interrupt(level);
  } else {
    cpu_->external_interrupt = level;
  }
}

void SoftVcpu::set_budget(u64 instructions) {
  told_retired_.store(retired(), std::memory_order_relaxed);
  cpu_->retire_limit = retired() + instructions;
  cpu_->budget = static_cast<i64>(instructions);
}

/// The instruction in flight is no more: another state takes its place.
void SoftVcpu::forget_instruction() {
  awaits_answer_ = false;
  cpu_->answered_count = cpu_->answered_used = 0;
}

void SoftVcpu::take_answer() {
  if (!awaits_answer_) return;
  awaits_answer_ = false;
  answer_access(cpu_.get(), slot.data, slot.refused != 0);
}

void SoftVcpu::answer_write() {
  awaits_answer_ = false;
  answer_access(cpu_.get(), 0, false);
}

Exit SoftVcpu::leave(ExitKind kind) {
  exit_->kind = static_cast<u32>(kind);
  exit_->instructions = retired();
  exit_->time = static_cast<std::int64_t>(time());
  exit_->rip = cpu_->rip;
  return {kind, index_};
}

bool SoftVcpu::leaves_for_eoi() {
  const int vector = apic_.take_ended_level();
  if (vector >= 0) exit_->address = static_cast<u64>(vector);
  return vector >= 0;
}

ExitKind SoftVcpu::device_exit() {
  const DeviceAccess& access = cpu_->access;
  awaits_answer_ = true;
  exit_->width = access.width;
  exit_->address = access.address;
  exit_->data = access.value;
  exit_->refused = 0;
  return exit_kind(access);
}

ExitKind SoftVcpu::after_stop(Stop stop) {
  switch (stop) {
    case Stop::Device: return device_exit();
    case Stop::Halted: exit_->detail = (cpu_->rflags & rflags::IF) ? 0 : 1; return ExitKind::Hlt;
    case Stop::Shutdown: return ExitKind::Shutdown;
    case Stop::Alone: wants_alone_ = true; break;
    case Stop::Difference: return ExitKind::Error;
    case Stop::Budget:
    case Stop::Deadline: break;
  }
  return ExitKind::None;
}

/// The guest's rounding mode must never be seen by JavaScript.
Stop SoftVcpu::under_guest_rounding(Stop (*work)(Cpu*)) {
  const u32 host_mxcsr = host::enter_guest_rounding(cpu_->mxcsr);
  const Stop stop = work(cpu_.get());
  host::leave_guest_rounding(host_mxcsr);
  return stop;
}

ExitKind SoftVcpu::execute() { return after_stop(lockstep_ ? lockstep_->run() : run_tiers()); }

ExitKind SoftVcpu::finish() {
  if (cpu_->budget <= 0) set_budget(1);
  return after_stop(under_guest_rounding(finish_instruction));
}

std::vector<std::pair<std::string, u64>> SoftVcpu::counters() const {
  if (!translator_) return {};
  const TranslatorCounts counts = translator_->counts();
  std::vector<std::pair<std::string, u64>> named = {{"regions", counts.regions},
                                                    {"codeBytes", counts.bytes},
                                                    {"translations", counts.made},
                                                    {"entries", counts.entries},
                                                    {"evictions", counts.evictions}};
  if (lockstep_) named.emplace_back("piecesInLockstep", lockstep_->agreed());
  return named;
}

/// Without a difference, exit_kind() has no other way to it.
std::string SoftVcpu::error_text() const {
  if (lockstep_ && !lockstep_->difference().empty()) return lockstep_->difference();
  return "the soft CPU asks for a device access of kind " + std::to_string(static_cast<unsigned>(cpu_->access.kind)) +
         ", which is none";
}

void SoftVcpu::drop_caches() {
  blocks_.flush();
  blocks_.collect();
  mmu_.drop_fast();
}

}  // namespace tsbhyve::soft
