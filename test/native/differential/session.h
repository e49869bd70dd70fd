// SPDX-License-Identifier: BSD-2-Clause
// Runs batches on both CPUs and reports what differs.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "allowed.h"
#include "batch.h"
#include "guest.h"

namespace tsbhyve::differential {

/// What judges the soft CPU.
enum class Oracle : u8 { Host, Itself /* blocks against single steps */ };

class Session {
 public:
  explicit Session(bool translated);

  /// Runs `states` cases whose states follow from `seed`.
  void run(const Batch& batch, u64 seed, u32 states, Oracle oracle);

  /// A number for all results of a batch, of the host or of the soft CPU. Nothing when some case did not end.
  std::optional<u32> digest(const Batch& batch, u64 seed, u32 states, bool of_host);

  void report_mismatch(const Batch& batch, const std::string& text);

  u64 cases() const { return cases_; }
  u64 mismatches() const { return mismatches_; }
  void summarize() const;

 private:
  void check_changes(const Batch& batch, const Case& test, const Result& got);
  void judge(const Batch& batch, const Case& test, Result& expected, Result& got, const HostKind& kind);

  const HostKind host_kind_;
  Guest guest_;
  WindowImage image_;
  std::map<std::string, u64> by_name_;  // mismatches
  u64 cases_ = 0, mismatches_ = 0;
};

std::string name_of(const Batch& batch);

}  // namespace tsbhyve::differential
