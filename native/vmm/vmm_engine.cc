// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/vmm_engine.h"

#include <algorithm>
#include <stdexcept>

namespace tsbhyve::vmm {

namespace {

/// Longest stay in run() while vCPUs have threads.
constexpr std::chrono::milliseconds slice{5};
/// For vCPUs that cannot be saved where they stand.
constexpr std::chrono::microseconds short_run{50};
constexpr int most_tries = 1000;

const Library& library_for(const EngineOptions& options) {
  if (options.virtual_clock)
    throw EngineError{0, "vmm", "the virtual clock needs an engine that counts instructions: soft"};
  const Library& library = Library::load(options.library);
  if (const std::uint32_t most = library.max_vcpus(); options.vcpus > most) {
    throw EngineError{0, "vmm",
                      std::to_string(options.vcpus) + " vCPUs are more than the " + std::to_string(most) +
                          " that hw.vmm.maxcpu allows"};
  }
  remove_orphans(library);
  return library;
}

/// As the CPU model tells it (CPUID leaf 0Bh), which is the kernel's to tell here.
Topology topology_of(const EngineOptions& options) {
  const auto vcpus_below = [&options](std::uint32_t level) {
    const auto found = std::find_if(options.cpuid.begin(), options.cpuid.end(),
                                    [level](const CpuidRow& row) { return row.leaf == 0xb && row.subleaf == level; });
    return found == options.cpuid.end() ? 1u : std::max(found->ebx & 0xffff, 1u);
  };
  const std::uint32_t threads = vcpus_below(0), in_socket = std::max(vcpus_below(1), threads);
  if (options.vcpus % in_socket != 0 || in_socket % threads != 0)
    return {static_cast<std::uint16_t>(options.vcpus), 1, 1};
  return {static_cast<std::uint16_t>(options.vcpus / in_socket), static_cast<std::uint16_t>(in_socket / threads),
          static_cast<std::uint16_t>(threads)};
}

}  // namespace

VmmEngine::VmmEngine(GuestRam* ram, const EngineOptions& options)
    : library_(library_for(options)),
      vm_(library_, ram, topology_of(options)),
      scratch_(library_, vm_.ctx()),
      saved_(vm_),
      chipset_(vm_, &saved_) {
  const auto each = [this](const VcpuSet& to, auto work) {
    for (std::uint32_t index = 0; index < vcpus_.size(); index++) {
      if (contains(to, index)) work(*vcpus_[index]);
    }
  };
  const Surroundings all{vm_,
                         ram,
                         scratch_,
                         saved_,
                         chipset_,
                         clock_,
                         gate_,
                         [each](const VcpuSet& to) { each(to, [](VmmVcpu& vcpu) { vcpu.receive_init(); }); },
                         [each](const VcpuSet& to, std::uint8_t vector) {
                           each(to, [vector](VmmVcpu& vcpu) { vcpu.receive_start(vector); });
                         }};
  std::vector<CrewMember*> members;
  for (std::uint32_t index = 0; index < vm_.count(); index++) {
    vcpus_.push_back(std::make_unique<VmmVcpu>(all, index));
    members.push_back(vcpus_.back().get());
  }
  if (vm_.count() > 1)
    crew_ = std::make_unique<Crew>(
        std::move(members), [this] { on_news_(); }, options.host_cpus);
}

/// None may be left inside the kernel waiting for another whose thread has ended.
VmmEngine::~VmmEngine() {
  for (;;) {
    try {
      end_exits();
      return;
    } catch (const EngineError&) {
      // Of a vCPU that has failed: it is out.
    }
  }
}

Capabilities VmmEngine::capabilities() const {
  Capabilities result{"vmm", false, false, false, false, lapic_hz, max_vcpus, false, saved_.missing()};
  result.chipset = "kernel";
  result.maps_files = false;
  result.tells_halt = false;
  return result;
}

/// Of no vCPU: on a thread of its own the first may have an exit that is still to be told.
Exit VmmEngine::told(ExitKind kind) {
  if (!crew_) return vcpus_[0]->leave(kind);
  ExitSlot& slot = vcpus_[0]->slot;
  slot.kind = static_cast<std::uint32_t>(kind);
  slot.time = time();
  return {kind, 0};
}

Exit VmmEngine::run(std::int64_t deadline) {
  if (!crew_) return told(vcpus_[0]->run_here(deadline));
  const std::chrono::nanoseconds left{deadline - time()};
  if (left.count() <= 0) return told(ExitKind::Deadline);
  const Exit exit = run_crew(std::min<std::chrono::nanoseconds>(left, slice));
  if (exit.kind != ExitKind::None) return exit;
  return told(time() >= deadline ? ExitKind::Deadline : ExitKind::None);
}

/// None: nothing has happened until then.
Exit VmmEngine::run_crew(std::chrono::nanoseconds longest) {
  gate_.open();
  const CrewReport report = crew_->run(CrewClock::now() + longest);
  if (report.news == CrewNews::Exit) return vcpus_[report.member]->present();
  return report.news == CrewNews::Woken ? told(ExitKind::Woken) : Exit{};
}

void VmmEngine::wake() {
  if (crew_)
    crew_->wake();
  else
    vcpus_[0]->wake();
}

/// Brings all out of the kernel and between two instructions, unless one asks first.
Exit VmmEngine::gather() {
  if (!crew_) {
    const ExitKind kind = vcpus_[0]->take_answer();
    return kind == ExitKind::None ? Exit{} : told(kind);
  }
  gate_.shut();
  const CrewReport report = crew_->safepoint();
  return report.news == CrewNews::Exit ? vcpus_[report.member]->present() : Exit{};
}

Exit VmmEngine::safepoint() {
  for (int tries = 0; tries < most_tries; tries++) {
    if (const Exit exit = gather(); exit.kind != ExitKind::None) return exit;
    const auto unsettled =
        std::find_if(vcpus_.begin(), vcpus_.end(), [](const auto& vcpu) { return !vcpu->is_settled(); });
    if (unsettled == vcpus_.end()) return {};
    if (const Exit exit = run_on(**unsettled); exit.kind != ExitKind::None) return exit;
  }
  throw EngineError{0, "vmm", "the guest does not come to a point where it can be saved"};
}

/// With the others, which it may be waiting for. A wake that waits meanwhile is put back for the next run().
Exit VmmEngine::run_on(VmmVcpu& unsettled) {
  if (!crew_) {
    const ExitKind kind = unsettled.run_on();
    return kind == ExitKind::None ? Exit{} : told(kind);
  }
  Exit exit = run_crew(short_run);
  const bool woken = exit.kind == ExitKind::Woken;
  if (woken) {
    exit = run_crew(short_run);
    wake();
  }
  return exit.kind == ExitKind::Woken ? Exit{} : exit;
}

/// Nobody hears of the exits that are still to come, and their instructions get some answer or other.
void VmmEngine::end_exits() {
  while (crew_ && gather().kind != ExitKind::None) {
  }
}

void VmmEngine::set_time(std::int64_t nanoseconds) {
  if (nanoseconds < 0)
    throw std::invalid_argument("time: " + std::to_string(nanoseconds) + " is not a VM time, which is never negative");
  clock_.set_time(nanoseconds);
}

/// What was restored begins to count when it is let go.
void VmmEngine::hold_time(bool held) {
  if (held == clock_.held()) return;
  clock_.hold(held);
  if (!held) saved_.let_time_run();
}

void VmmEngine::send_msi(std::uint64_t address, std::uint32_t data) {
  TSBHYVE_VMM(library_, vm_lapic_msi, vm_.ctx(), address, data);
}

void VmmEngine::reset() {
  end_exits();
  if (crew_) crew_->forget_exits();
  for (const auto& vcpu : vcpus_) vcpu->reset();
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
