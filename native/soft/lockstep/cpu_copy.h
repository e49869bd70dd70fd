// SPDX-License-Identifier: BSD-2-Clause
// A soft vCPU between two instructions: to go back to, and to compare with.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/registers.h"
#include "soft/cpu.h"
#include "soft/memory/mmu.h"
#include "soft/run.h"

namespace tsbhyve::soft {

class SoftVcpu;

class CpuCopy {
 public:
  explicit CpuCopy(SoftVcpu& vcpu);

  /// Makes the vCPU what it was. Its memory must have been put back before.
  void put_back(SoftVcpu& vcpu) const;

  /// What a snapshot would tell apart, a line each: name, then here and there. Empty when nothing would.
  std::string differences(const CpuCopy& there) const;
  /// All general registers, on a few lines.
  std::string registers() const;
  u64 rip() const { return values_[static_cast<size_t>(Register::rip)]; }
  u64 retired() const { return retired_; }

 private:
  std::vector<u8> fields_;  // of Cpu, those before its derived tables
  std::array<u64, register_count> values_{};
  std::vector<std::pair<u32, u64>> msrs_;
  std::vector<u8> xsave_;
  std::vector<u64> lapic_;
  std::unique_ptr<Tlb> data_tlb_, code_tlb_;
  DeviceAccess access_;
  i64 tsc_offset_;
  u64 retired_;
};

}  // namespace tsbhyve::soft
