// SPDX-License-Identifier: BSD-2-Clause
// Which pages hold code of which vCPU, while the vCPUs run at the same time: what they tell each other about it.
//
// A vCPU that is to decode from a page claims it first. From then on stores to the page are seen, but for those that
// the fast tables of others still serve. So every other vCPU drops its entries of the page at its next boundary of
// blocks; until all have done so, the bytes that were decoded have to be compared with memory again (ThreadedCpu). A
// store to a page that others hold takes it away from them, and they drop their blocks at their next boundary: other
// processors may run old bytes until they serialize (SDM vol. 3, 8.1.3).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// What others have for a vCPU to do.
struct CodeMail {
  std::vector<u64> unlog;    // pages whose entries in the fast tables must not serve stores any more
  std::vector<u64> written;  // physical addresses of pages whose blocks have to go
  bool all_stores = false, all_blocks = false;
  u64 epoch = 0;
};

class CodePages {
 public:
  CodePages(GuestRam* ram, unsigned count);

  /// `self` runs guest code between these two, and attends to its mail before it does so.
  void enter(unsigned self) { desks_[self]->running = true; }
  void leave(unsigned self) { desks_[self]->running = false; }

  /// `self` has code of the page from now on. Once all others have served the epoch returned, none of them stores to
  /// the page unseen.
  u64 claim(unsigned self, u64 page, u64 physical);
  void release(unsigned self, u64 page);
  /// Whether every vCPU but `self` has served `epoch`, or runs no guest code.
  bool served(unsigned self, u64 epoch) const;

  /// Memory of the page was written, by the vCPU `writer` or by a device (-1): all others drop their blocks there.
  void written(int writer, u64 page, u64 physical);
  /// No fast table serves a store any more, once the vCPUs have attended to this.
  void drop_stores();

  bool has_mail(unsigned self) const { return desks_[self]->waiting; }
  CodeMail take(unsigned self);
  void serve(unsigned self, u64 epoch) { desks_[self]->served = epoch; }

  /// Where a vCPU looks whether there is something for it.
  void set_signal(unsigned self, Cpu* cpu) { desks_[self]->cpu = cpu; }

 private:
  struct Desk {
    std::mutex lock;
    CodeMail mail;
    std::atomic<bool> waiting = false, running = false;
    std::atomic<u64> served = 0;
    Cpu* cpu = nullptr;
  };

  template <class Note>
  void post(Desk& desk, Note note);

  GuestRam* ram_;
  std::mutex lock_;  // guards holders and epoch
  u64 epoch_ = 0;
  std::vector<std::unique_ptr<Desk>> desks_;
};

}  // namespace tsbhyve::soft
