// SPDX-License-Identifier: BSD-2-Clause
// Several vCPUs at the same time, each on a host thread of its own (real clock).
#pragma once

#include <memory>
#include <vector>

#include "engine/crew.h"
#include "soft/schedule.h"
#include "soft/threads/soft_member.h"

namespace tsbhyve::soft {

class Threads final : public Schedule {
 public:
  /// `host_cpus`: see Crew.
  Threads(Processors& all, GuestRam* ram, std::vector<int> host_cpus);
  ~Threads() override;

  Exit run(u64 deadline) override;
  Exit safepoint() override;
  void wake() override { crew_->wake(); }
  void stand() override { crew_->stand(); }
  void forget_exits() override { crew_->forget_exits(); }
  void set_news(std::function<void()> on_news) override { on_news_ = std::move(on_news); }
  Doorbells* doorbells() override { return &doorbells_; }
  void memory_written(u64 physical, u64 size) override;

 private:
  Exit report(ExitKind kind, u32 detail);
  Exit exit_of(unsigned member);

  Processors& all_;
  GuestRam* ram_;
  CodePages pages_;
  Doorbells doorbells_;
  std::function<void()> on_news_ = [] {};
  std::vector<std::unique_ptr<SoftMember>> members_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace tsbhyve::soft
