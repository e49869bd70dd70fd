// SPDX-License-Identifier: BSD-2-Clause
// Memory for host code: one object, mapped once to be written and once to be run, so that no page is both.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

class CodeMemory {
 public:
  /// Throws EngineError when the host refuses.
  explicit CodeMemory(size_t size);
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  size_t size() const { return size_; }
  u8* writable() const { return writable_; }
  const u8* runnable() const { return runnable_; }

 private:
  size_t size_;
  u8* writable_ = nullptr;
  u8* runnable_ = nullptr;
};

}  // namespace tsbhyve::soft
