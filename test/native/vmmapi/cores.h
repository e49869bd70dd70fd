// SPDX-License-Identifier: BSD-2-Clause
// The processors of an imitated VM: soft vCPUs that run one at a time, a slice each.
#pragma once

#include <memory>
#include <vector>

#include "soft/soft_vcpu.h"

namespace imitation {

class Cores {
 public:
  Cores(tsbhyve::GuestRam* ram, const tsbhyve::EngineOptions& options);
  ~Cores();
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;

  std::uint32_t count() const { return static_cast<std::uint32_t>(cores_.size()); }
  tsbhyve::soft::SoftVcpu& operator[](std::uint32_t index) { return *cores_[index]; }
  std::int64_t now() const { return static_cast<std::int64_t>(time_.at(0)); }

  /// One slice of one of them, until `deadline` at most. The answer to its last exit lies in its slot.
  tsbhyve::ExitKind run(std::uint32_t index, std::int64_t deadline);
  /// All but the memory, as at power-on, and none of them waits for SIPI: that is userspace's to see to.
  void reset();

  void send_msi(std::uint64_t address, std::uint32_t data) { bus_.receive(address, data); }
  void set_external_interrupt(bool level);
  void memory_written(std::uint64_t physical, std::uint64_t length);

 private:
  tsbhyve::GuestRam* ram_;
  tsbhyve::soft::VmTime time_;
  tsbhyve::soft::InterruptBus bus_;
  std::vector<std::unique_ptr<tsbhyve::soft::SoftVcpu>> cores_;
};

}  // namespace imitation
