// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_engine.h"

#include <algorithm>
#include <stdexcept>

namespace tsbhyve::kvm {

namespace {

/// Longest stay in run() while vCPUs have threads.
constexpr std::int64_t slice = 5'000'000;

std::vector<std::unique_ptr<Vcpu>> open_vcpus(const Vm& vm, const EngineOptions& options) {
  if (options.virtual_clock)
    throw EngineError{0, "kvm", "the virtual clock needs an engine that counts instructions: soft"};
  std::vector<std::unique_ptr<Vcpu>> vcpus;
  for (std::uint32_t id = 0; id < options.vcpus; id++) vcpus.push_back(std::make_unique<Vcpu>(vm, id));
  return vcpus;
}

}  // namespace

KvmEngine::KvmEngine(GuestRam* ram, const EngineOptions& options, bool always_crew)
    : model_(cut_model(vm_, options.cpuid)),
      ram_(ram),
      descriptors_(open_vcpus(vm_, options)),
      clock_(vm_, *descriptors_.at(0), options.tsc_hz),
      memory_(vm_, ram),
      messages_(vm_, options.vcpus),
      doorbells_(vm_, [this](std::uint32_t token) { rung_(token); }) {
  const Surroundings all{
      vm_, *ram_, clock_, messages_, model_, external_interrupt_, [this] { return requested_anywhere(); }};
  std::vector<CrewMember*> members;
  for (std::uint32_t index = 0; index < options.vcpus; index++) {
    vcpus_.push_back(std::make_unique<KvmVcpu>(all, index, *descriptors_[index]));
    members.push_back(vcpus_.back().get());
  }
  if (options.vcpus > 1 || always_crew)
    crew_ = std::make_unique<Crew>(
        std::move(members), [this] { on_news_(); }, options.host_cpus);
}

KvmEngine::~KvmEngine() = default;

std::bitset<256> KvmEngine::requested_anywhere() const {
  std::bitset<256> requested;
  for (const auto& vcpu : vcpus_) requested |= vcpu->requested();
  return requested;
}

Capabilities KvmEngine::capabilities() const {
  Capabilities result{};
  result.engine = "kvm";
  result.cpuid_settable = true;
  result.tsc_scalable = clock_.scalable();
  result.lapic_hz = 1'000'000'000;
  result.max_vcpus = max_vcpus;
  result.dirty_log = true;
  result.masked_cpuid = model_.masked;
  if (!vcpus_[0]->moves_tsc()) result.missing_from_snapshot = "the TSC (this /dev/kvm does not move it)";
  return result;
}

Exit KvmEngine::told(ExitKind kind, std::uint32_t index) {
  ExitSlot& slot = vcpus_[index]->slot;
  slot.kind = static_cast<std::uint32_t>(kind);
  slot.time = time();
  return {kind, index};
}

Exit KvmEngine::run(std::int64_t deadline) {
  memory_.map_new_segments();
  return crew_ ? run_crew(deadline) : Exit{vcpus_[0]->run_here(deadline), 0};
}

Exit KvmEngine::run_crew(std::int64_t deadline) {
  const std::int64_t left = deadline - time();
  if (left <= 0) return told(ExitKind::Deadline);
  const CrewReport report = crew_->run(CrewClock::now() + std::chrono::nanoseconds(std::min(left, slice)));
  switch (report.news) {
    case CrewNews::Exit: return {vcpus_[report.member]->present(), report.member};
    case CrewNews::Woken: return told(ExitKind::Woken);
    default: return time() >= deadline ? told(ExitKind::Deadline) : asleep();
  }
}

/// The kernel starts one that waits for SIPI without telling, and its thread looks at it again only much later.
bool KvmEngine::stay_dead() {
  crew_->stand();
  if (crew_->has_exits()) return false;
  return std::all_of(vcpus_.begin(), vcpus_.end(), [](const auto& vcpu) { return vcpu->is_dead(); });
}

/// What every vCPU was seen to do last.
Exit KvmEngine::asleep() {
  bool dead = true;
  for (std::uint32_t index = 0; index < vcpus_.size(); index++) {
    if (vcpus_[index]->is_shut_down()) return told(ExitKind::Shutdown, index);
    const Doze doze = vcpus_[index]->doze();
    if (doze == Doze::No) return told(ExitKind::None);
    dead = dead && doze == Doze::Dead;
  }
  if (dead && !stay_dead()) return told(ExitKind::None);
  vcpus_[0]->slot.detail = dead;
  return told(ExitKind::Hlt);
}

Exit KvmEngine::safepoint() {
  Exit exit{};
  if (crew_) {
    const CrewReport report = crew_->safepoint();
    if (report.news == CrewNews::Exit) exit = {vcpus_[report.member]->present(), report.member};
  } else {
    exit.kind = vcpus_[0]->safepoint_here();
  }
  if (exit.kind != ExitKind::None) return exit;
  doorbells_.drain();
  memory_.collect();
  return exit;
}

void KvmEngine::wake() {
  if (crew_)
    crew_->wake();
  else
    vcpus_[0]->kick();
}

/// A vCPU's system calls wait for its KVM_RUN.
void KvmEngine::park() const {
  if (crew_) crew_->stand();
}

void KvmEngine::stand() {
  park();
  memory_.collect();
}

void KvmEngine::set_time(std::int64_t nanoseconds) {
  park();
  const std::uint64_t ticks = clock_.ticks_in(nanoseconds - time());
  clock_.set_time(nanoseconds);
  for (const auto& vcpu : vcpus_) vcpu->move_tsc(ticks);
}

void KvmEngine::hold_time(bool held) {
  if (held == clock_.held()) return;
  park();
  if (held) {
    for (const auto& vcpu : vcpus_) vcpu->before_hold();
  }
  clock_.hold(held);
  for (const auto& vcpu : vcpus_) held ? vcpu->after_hold() : vcpu->after_release();
}

/// They see that it is there when they come out of KVM_RUN.
void KvmEngine::set_external_interrupt(bool level) {
  const bool rises = !external_interrupt_.exchange(level) && level;
  if (!rises || !crew_) return;
  for (const auto& vcpu : vcpus_) vcpu->kick();
}

void KvmEngine::reset() {
  if (crew_) crew_->forget_exits();
  for (const auto& vcpu : vcpus_) vcpu->reset();
}

void KvmEngine::set_shared(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) throw std::invalid_argument("the kvm engine has no section of all vCPUs");
}

}  // namespace tsbhyve::kvm
