// SPDX-License-Identifier: BSD-2-Clause
// What a vCPU needs while others run at the same time: code that others may write, and turns alone.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "soft/attend.h"
#include "soft/threads/code_pages.h"
#include "soft/threads/inbox.h"

namespace tsbhyve::soft {

class ThreadedCpu {
 public:
  /// `rouse` is called on any thread when there is a message for a vCPU that may sleep.
  ThreadedCpu(Cpu* cpu, CodePages& pages, unsigned index, std::function<void()> rouse)
      : cpu_(cpu), pages_(pages), index_(index), rouse_(std::move(rouse)) {
    pages_.set_signal(index, cpu);
  }

  /// No other vCPU runs: locked instructions need no more than the others.
  bool is_alone() const { return alone_; }
  void set_alone(bool alone) { alone_ = alone; }

  /// Guest code runs on this thread between these two.
  void enter();
  void leave() { pages_.leave(index_); }

  /// Ends execute() at the next boundary of blocks. Any thread.
  void stop() {
    stop_wanted_ = true;
    ask_to_attend(cpu_);
  }
  bool take_stop() { return stop_wanted_.exchange(false); }

  /// For the local APIC and the INTR pin. Any thread.
  void post(u32 delivery_mode, u8 vector, bool level);
  void set_external_interrupt(bool level);
  /// Takes all that was posted to the APIC. By the vCPU's thread, or while that is parked.
  void deliver() { inbox_.deliver(cpu_); }
  /// A reset: what was posted is lost.
  void forget_messages() { inbox_.clear(cpu_); }

  /// Between two blocks, when the vCPU is asked to (attend.h).
  void attend();
  /// The guest serializes: what others have written until now is what it runs from here on (SDM vol. 3, 8.3).
  void serialize();

  /// PAUSE: another vCPU may hold what this one waits for, and the host may have fewer processors than there are vCPUs.
  void pause();

  /// Before a block is decoded; false when it can be used only once.
  bool begin_decoding();
  /// Bytes to decode, from one page: claims it, so that stores to it are seen from now on.
  void read_code(u64 physical, u8* to, u32 size);
  /// The vCPU itself has stored into a page that holds code.
  void wrote_code(u64 physical, u64 size);
  /// The last of its blocks on this page has gone.
  void release(u64 page);

 private:
  /// A page that others may still store to unseen: what was decoded is compared with memory when they no longer can.
  struct Fresh {
    u64 page, physical, epoch;
    std::unique_ptr<u8[]> bytes;
  };

  Fresh* find(u64 page);
  void check_fresh(bool all);

  void tell();

  Cpu* cpu_;
  CodePages& pages_;
  const unsigned index_;
  const std::function<void()> rouse_;
  Inbox inbox_;
  std::vector<Fresh> fresh_;
  std::atomic<bool> stop_wanted_ = false;
  bool alone_ = false, keeps_ = true;
  u32 pauses_ = 0;
};

/// Part of every serializing instruction (SDM vol. 3, 8.3), which must end its block.
inline void serialize(Cpu* cpu) {
  if (cpu->threaded) cpu->threaded->serialize();
}

}  // namespace tsbhyve::soft
