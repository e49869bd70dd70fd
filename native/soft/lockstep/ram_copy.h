// SPDX-License-Identifier: BSD-2-Clause
// A second copy of guest memory, kept up to date by a client of the dirty log.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "engine/guest_ram.h"
#include "soft/types.h"

namespace tsbhyve::soft {

/// Contents of pages, by page index.
using PageContents = std::map<u64, std::vector<u8>>;

class RamCopy {
 public:
  /// `log_taken` is called after each look at the dirty log, when vCPUs have to forget which pages they may write fast.
  /// Throws EngineError when the log has no room for one more.
  RamCopy(GuestRam* ram, std::function<void()> log_taken);
  ~RamCopy();
  RamCopy(const RamCopy&) = delete;
  RamCopy& operator=(const RamCopy&) = delete;

  /// Copies what has been written since the last call of this or written(); all of memory the first time.
  void follow();
  /// The next follow() copies all of memory: it has been replaced without the dirty log.
  void forget() { pages_.clear(); }
  /// Pages that have been written since then, as they are now.
  PageContents written();
  /// Puts the pages back as the copy has them, and tells whose they were.
  void put_back(const PageContents& pages, const std::function<void(u64 physical)>& restored);
  /// What these pages hold now is what the copy has of them.
  void keep(const PageContents& pages);
  /// The first byte that differs: `there` may have pages that `here` has not, which the copy then stands for. False
  /// when none does.
  bool differs(const PageContents& here, const PageContents& there, u64& physical) const;

 private:
  void take();
  u8* host_of(u64 page) const;
  u64 physical_of(u64 page) const;
  const u8* content(const PageContents& pages, u64 page) const;
  void copy(u64 page);

  GuestRam* ram_;
  std::function<void()> log_taken_;
  unsigned client_ = 0;
  std::vector<u8> bitmap_;
  std::vector<u64> taken_;  // pages of the last look
  std::vector<u8> pages_;   // by page index; empty: nothing has been copied
};

}  // namespace tsbhyve::soft
