// SPDX-License-Identifier: BSD-2-Clause
// Addresses that a guest writes to only to be noticed: the kernel notes the write and the vCPU goes on (KVM_IOEVENTFD).
#pragma once

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// A thread of its own waits for them. It exists since the first one was added, with all signals blocked.
class Doorbells {
 public:
  /// `rung` is called on that thread or one of the callers', once for any number of writes since the last time.
  Doorbells(const Vm& vm, std::function<void(std::uint32_t token)> rung) : vm_(vm), rung_(std::move(rung)) {}
  ~Doorbells();
  Doorbells(const Doorbells&) = delete;
  Doorbells& operator=(const Doorbells&) = delete;

  /// Writes of `width` bytes (0: of any) to a port or a guest physical address. False when the kernel does not take it,
  /// as for a second one at an address, which a guest can ask for: those writes are exits.
  bool add(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token);
  /// They are exits again. What was written before and not told yet is told.
  void remove(std::uint32_t token);
  /// Tells of what was written until now, on the calling thread: no vCPU runs, and nothing of theirs is to be on its
  /// way.
  void drain();

 private:
  struct Bell {
    Descriptor event;
    kvm_ioeventfd request;
    std::uint32_t token;
  };
  void start();
  void wait();
  void ring(const Bell& bell) const;

  const Vm& vm_;
  const std::function<void(std::uint32_t)> rung_;
  std::mutex lock_;  // guards bells_
  std::vector<Bell> bells_;
  Descriptor epoll_, stop_;
  std::thread thread_;
};

}  // namespace tsbhyve::kvm
