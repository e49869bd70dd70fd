// SPDX-License-Identifier: BSD-2-Clause
// The soft CPU at CPL 3 in long mode, in the same address space as the host process: the subject.
#pragma once

#include <memory>

#include "engine/guest_ram.h"
#include "soft/apic.h"
#include "soft/block_cache.h"
#include "soft/cpu.h"
#include "soft/memory/mmu.h"
#include "soft/platform.h"
#include "soft/translator/translator.h"
#include "state.h"

namespace tsbhyve::differential {

class Guest final : private Platform {
 public:
  /// `translated`: code becomes host code before it first runs, where the build has a translator.
  explicit Guest(bool translated);
  ~Guest() override;

  void load(const Case& test, const WindowImage& image);

  /// Puts back all of the window: between two runs that must find the same.
  void reset_window(const WindowImage& image) { std::memcpy(window_, image.bytes, sizeof(image.bytes)); }

  /// Blocks: as production runs it. Single: every instruction alone in its block, nothing fused, all flags kept.
  /// Cuts: blocks, stopped after every few instructions.
  enum class Mode : u8 { Blocks, Single, Cuts };
  void run(const Case& test, const WindowImage& image, Mode mode, Result& result);

  const u8* window() const { return window_; }

 private:
  u64 time_ns(u64) const override { return 0; }
  CpuidLeaf cpuid(u32 leaf, u32 subleaf) const override { return {leaf, subleaf, 0, 0, 0, 0}; }

  void enter(const Case& test);
  void leave(const Case& test, Result& result) const;

  GuestRam ram_;
  std::unique_ptr<Cpu> cpu_;
  Mmu mmu_;
  std::unique_ptr<BlockCache> blocks_;
  std::unique_ptr<Translator> translator_;
  InterruptBus bus_;
  LocalApic apic_;
  std::unique_ptr<FastEntry[]> never_fast_;
  u8* window_ = nullptr;
  u8* code_ = nullptr;
};

}  // namespace tsbhyve::differential
