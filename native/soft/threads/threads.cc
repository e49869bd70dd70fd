// SPDX-License-Identifier: BSD-2-Clause
#include "soft/threads/threads.h"

#include <algorithm>
#include <chrono>

#include "engine/guest_ram.h"
#include "soft/host/guest_access.h"

namespace tsbhyve::soft {

namespace {

/// A call of run() lasts no longer.
constexpr std::chrono::milliseconds longest_wait(10);

}  // namespace

Threads::Threads(Processors& all, GuestRam* ram, std::vector<int> host_cpus)
    : all_(all), ram_(ram), pages_(ram, static_cast<unsigned>(all.vcpus.size())) {
  std::vector<CrewMember*> members;
  for (unsigned index = 0; index < all.vcpus.size(); index++) {
    const auto rouse = [this, index] { crew_->rouse(index); };
    members_.push_back(std::make_unique<SoftMember>(*all.vcpus[index], pages_, doorbells_, index, rouse));
    members.push_back(members_.back().get());
  }
  crew_ = std::make_unique<Crew>(
      std::move(members), [this] { on_news_(); }, std::move(host_cpus));
}

/// The threads end before what they run.
Threads::~Threads() { crew_.reset(); }

/// What is not one vCPU's is told in the first one's slot. Its thread never writes there.
Exit Threads::report(ExitKind kind, u32 detail) {
  ExitSlot& slot = all_.vcpus.front()->slot;
  slot.kind = static_cast<u32>(kind);
  slot.detail = detail;
  slot.time = static_cast<std::int64_t>(all_.time.at(0));
  return {kind, 0};
}

Exit Threads::exit_of(unsigned member) {
  SoftVcpu& vcpu = *all_.vcpus[member];
  vcpu.publish_slot();
  return {static_cast<ExitKind>(vcpu.slot.kind), member};
}

Exit Threads::run(u64 deadline) {
  const u64 now = all_.time.at(0);
  const u64 left = deadline > now ? deadline - now : 0;
  constexpr u64 longest = std::chrono::nanoseconds(longest_wait).count();
  const CrewReport news = crew_->run(CrewClock::now() + std::chrono::nanoseconds(std::min(left, longest)));
  switch (news.news) {
    case CrewNews::Exit: return exit_of(news.member);
    case CrewNews::AllIdle: return report(ExitKind::Hlt, 0);
    case CrewNews::AllDead: return report(ExitKind::Hlt, 1);
    case CrewNews::Woken: return report(ExitKind::Woken, 0);
    case CrewNews::TimedOut:
    case CrewNews::Parked: break;
  }
  return report(all_.time.at(0) >= deadline ? ExitKind::Deadline : ExitKind::None, 0);
}

Exit Threads::safepoint() {
  const CrewReport news = crew_->safepoint();
  return news.news == CrewNews::Exit ? exit_of(news.member) : Exit{};
}

/// The store may have been made just before a vCPU claims the page: either that one sees the bytes, or this its claim.
void Threads::memory_written(u64 physical, u64 size) {
  host::full_fence();
  const u64 first = physical & page_mask, last = (physical + size - 1) & page_mask;
  for (u64 at = first;; at += page_size) {
    const u64 page = ram_->page_index(at);
    if (ram_->attention(page) & page_has_code) pages_.written(-1, page, at);
    if (at == last) break;
  }
}

}  // namespace tsbhyve::soft
