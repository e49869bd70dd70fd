// SPDX-License-Identifier: BSD-2-Clause
// The soft engine behind the contract.
#pragma once

#include "soft/schedule.h"

namespace tsbhyve::soft {

class SoftEngine final : public Engine {
 public:
  SoftEngine(GuestRam* ram, const EngineOptions& options);
  ~SoftEngine() override;

  Capabilities capabilities() const override;
  std::uint32_t vcpu_count() const override { return static_cast<u32>(all_.vcpus.size()); }
  SoftVcpu& vcpu(std::uint32_t index) override { return *all_.vcpus[index]; }

  Exit run(std::int64_t deadline) override { return schedule_->run(deadline < 0 ? 0 : static_cast<u64>(deadline)); }
  void wake() override {
    all_.woken.store(true, std::memory_order_release);
    schedule_->wake();
  }
  Exit safepoint() override { return schedule_->safepoint(); }
  void stand() override { schedule_->stand(); }
  void set_news(std::function<void()> on_news) override { schedule_->set_news(std::move(on_news)); }

  std::int64_t time() const override;
  void set_time(std::int64_t nanoseconds) override;
  void hold_time(bool held) override;
  std::int64_t next_deadline() const override;

  bool has_doorbells() const override { return schedule_->doorbells() != nullptr; }
  void set_doorbells(std::function<void(std::uint32_t token)> rung) override;
  void add_doorbell(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token) override;
  void remove_doorbell(std::uint32_t token) override;

  void send_msi(std::uint64_t address, std::uint32_t data) override { all_.bus.receive(address, data); }
  void set_external_interrupt(bool level) override;
  void reset() override;

  std::vector<std::uint8_t> get_shared() override;
  void set_shared(std::span<const std::uint8_t> bytes) override;

  void memory_written(std::uint64_t physical, std::uint64_t length) override;
  /// vCPUs on threads of their own may claim a page for their code meanwhile.
  bool hears_every_write() const override { return all_.at_once; }
  void dirty_log_taken() override;
  void drop_caches() override;
  void rest_translator(bool resting) override;

 private:
  u64 retired() const;

  GuestRam* ram_;
  Processors all_;
  std::unique_ptr<Schedule> schedule_;
};

}  // namespace tsbhyve::soft
