// SPDX-License-Identifier: BSD-2-Clause
// The addon's Machine: guest memory, one engine and one event queue, owned by one JavaScript object.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/engine.h"
#include "errors.h"
#include "hostio/event_queue.h"
#include "hostio/io_pool.h"

namespace tsbhyve {

class Machine : public Napi::ObjectWrap<Machine> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Machine(const Napi::CallbackInfo& info);
  ~Machine() override;

  /// The machine behind a JavaScript value, or a thrown ERR_INVALID or ERR_CLOSED.
  static Machine& from(const Napi::Value& value);
  /// Shared, so that a native thread may finish with memory whose machine was closed meanwhile.
  std::shared_ptr<GuestRam> ram() const { return ram_; }
  /// Where native threads say what they have done. It may outlive the machine.
  std::shared_ptr<EventQueue> events() const { return events_; }
  /// The threads that wait for the host in place of this machine's.
  IoPool& io_pool();
  /// Keeps what lies under the memory's mappings, a file and its guard, until just before they go.
  void keep_with_ram(std::shared_ptr<void> backing);

 private:
  /// What every method is called through: an engine's failure is a JavaScript error, whoever forgets that it can fail.
  template <auto method>
  auto checked(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return (this->*method)(info); });
  }

  Napi::Value add_memory(const Napi::CallbackInfo& info);
  Napi::Value create_vcpus(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value safepoint(const Napi::CallbackInfo& info);
  Napi::Value error_text(const Napi::CallbackInfo& info);
  Napi::Value get_time(const Napi::CallbackInfo& info);
  void set_time(const Napi::CallbackInfo& info);
  void hold_time(const Napi::CallbackInfo& info);
  Napi::Value next_deadline(const Napi::CallbackInfo& info);
  Napi::Value instructions(const Napi::CallbackInfo& info);
  void send_msi(const Napi::CallbackInfo& info);
  void set_external_interrupt(const Napi::CallbackInfo& info);
  void set_pic_input(const Napi::CallbackInfo& info);
  void set_ioapic_input(const Napi::CallbackInfo& info);
  void write_cmos(const Napi::CallbackInfo& info);
  void set_rtc(const Napi::CallbackInfo& info);
  Napi::Value get_rtc(const Napi::CallbackInfo& info);
  Napi::Value chipset_refusal(const Napi::CallbackInfo& info);
  Napi::Value chipset_version(const Napi::CallbackInfo& info);
  Napi::Value save_chipset(const Napi::CallbackInfo& info);
  void load_chipset(const Napi::CallbackInfo& info);
  void inject_nmi(const Napi::CallbackInfo& info);
  void reset(const Napi::CallbackInfo& info);
  void get_registers(const Napi::CallbackInfo& info);
  void set_registers(const Napi::CallbackInfo& info);
  Napi::Value get_msrs(const Napi::CallbackInfo& info);
  void set_msrs(const Napi::CallbackInfo& info);
  Napi::Value get_xsave(const Napi::CallbackInfo& info);
  void set_xsave(const Napi::CallbackInfo& info);
  Napi::Value get_lapic(const Napi::CallbackInfo& info);
  void set_lapic(const Napi::CallbackInfo& info);
  Napi::Value get_private(const Napi::CallbackInfo& info);
  void set_private(const Napi::CallbackInfo& info);
  Napi::Value get_shared(const Napi::CallbackInfo& info);
  void set_shared(const Napi::CallbackInfo& info);
  void memory_written(const Napi::CallbackInfo& info);
  Napi::Value attentions(const Napi::CallbackInfo& info);
  void discard(const Napi::CallbackInfo& info);
  Napi::Value open_dirty_log(const Napi::CallbackInfo& info);
  void close_dirty_log(const Napi::CallbackInfo& info);
  void take_dirty_log(const Napi::CallbackInfo& info);
  void drop_caches(const Napi::CallbackInfo& info);
  void rest_translator(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value has_doorbells(const Napi::CallbackInfo& info);
  void open_doorbells(const Napi::CallbackInfo& info);
  void add_doorbell(const Napi::CallbackInfo& info);
  void remove_doorbell(const Napi::CallbackInfo& info);
  Napi::Value capabilities(const Napi::CallbackInfo& info);
  Napi::Value wake_count(const Napi::CallbackInfo& info);
  void wait_events(const Napi::CallbackInfo& info);
  Napi::Value wait_event_of(const Napi::CallbackInfo& info);
  Napi::Value take_events(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// The engine, or a thrown ERR_CLOSED.
  Engine& engine(Napi::Env env);
  /// The vCPU that a call's first argument names.
  VcpuEngine& vcpu(const Napi::CallbackInfo& info);
  /// The engine's chipset, or a thrown ERR_INVALID where it has none.
  KernelChipset& chipset(Napi::Env env);
  void release();

  std::shared_ptr<GuestRam> ram_;
  std::shared_ptr<EventQueue> events_ = std::make_shared<EventQueue>();
  std::unique_ptr<IoPool> io_pool_;
  std::unique_ptr<Engine> engine_;
  EngineOptions options_;
  std::string engine_name_;
  std::vector<Napi::Reference<Napi::ArrayBuffer>> buffers_;
  std::uint32_t id_ = 0;
};

}  // namespace tsbhyve
