// SPDX-License-Identifier: BSD-2-Clause
// The kvm engine behind the contract: vCPUs of Linux's /dev/kvm with their LAPICs in the kernel, the chipset outside.
#pragma once

#include "kvm/kvm_doorbells.h"
#include "kvm/kvm_memory.h"
#include "kvm/kvm_vcpu.h"

namespace tsbhyve::kvm {

/// One vCPU runs on the machine's thread, several on threads of their own. Those sleep inside KVM_RUN, where the kernel
/// wakes them: next_deadline() is INT64_MAX then, and Hlt says what they did a few milliseconds ago. What has been
/// missed there ends that sleep by itself.
class KvmEngine final : public Engine {
 public:
  /// For tests: with `always_crew` one vCPU has a thread of its own, too.
  KvmEngine(GuestRam* ram, const EngineOptions& options, bool always_crew = false);
  ~KvmEngine() override;

  Capabilities capabilities() const override;
  std::uint32_t vcpu_count() const override { return static_cast<std::uint32_t>(vcpus_.size()); }
  VcpuEngine& vcpu(std::uint32_t index) override { return *vcpus_[index]; }

  Exit run(std::int64_t deadline) override;
  void wake() override;
  Exit safepoint() override;

  /// The kernel's log is fetched, too.
  void stand() override;
  void set_news(std::function<void()> on_news) override { on_news_ = std::move(on_news); }

  std::int64_t time() const override { return clock_.time(); }
  void set_time(std::int64_t nanoseconds) override;
  void hold_time(bool held) override;
  std::int64_t next_deadline() const override { return crew_ ? INT64_MAX : vcpus_[0]->next_deadline(); }

  void send_msi(std::uint64_t address, std::uint32_t data) override { messages_.send(address, data); }
  void set_external_interrupt(bool level) override;
  void reset() override;

  std::vector<std::uint8_t> get_shared() override { return {}; }
  void set_shared(std::span<const std::uint8_t> bytes) override;

  /// The processor itself keeps its caches in step with memory.
  void memory_written(std::uint64_t, std::uint64_t) override {}
  bool hears_every_write() const override { return false; }
  void dirty_log_taken() override { memory_.start_log(); }
  void drop_caches() override {}

  /// One vCPU stands still while its thread sees to the devices: there a doorbell would be one step more than an exit.
  bool has_doorbells() const override { return crew_ != nullptr; }
  void set_doorbells(std::function<void(std::uint32_t token)> rung) override { rung_ = std::move(rung); }
  void add_doorbell(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token) override {
    doorbells_.add(is_port, address, width, token);
  }
  void remove_doorbell(std::uint32_t token) override { doorbells_.remove(token); }

 private:
  Exit told(ExitKind kind, std::uint32_t index = 0);
  Exit run_crew(std::int64_t deadline);
  Exit asleep();
  bool stay_dead();
  void park() const;
  std::bitset<256> requested_anywhere() const;

  Vm vm_;
  CutModel model_;
  GuestRam* ram_;
  std::vector<std::unique_ptr<Vcpu>> descriptors_;
  Clock clock_;
  Memory memory_;
  Messages messages_;
  std::function<void(std::uint32_t)> rung_ = [](std::uint32_t) {};
  Doorbells doorbells_;
  std::atomic<bool> external_interrupt_ = false;
  std::vector<std::unique_ptr<KvmVcpu>> vcpus_;
  std::function<void()> on_news_ = [] {};
  std::unique_ptr<Crew> crew_;  // ends before what it runs
};

}  // namespace tsbhyve::kvm
