// SPDX-License-Identifier: BSD-2-Clause
#include "machine.h"

#include "convert.h"
#include "engine/create.h"
#include "errors.h"
#include "registry.h"

namespace tsbhyve {

namespace {

/// External ArrayBuffers above 4 GiB abort Node 20; the contract hands out at most 1 GiB each.
constexpr std::uint64_t buffer_bytes = 1ull << 30;

/// Told apart from other wrapped objects, so that a borrowed method fails instead of reading foreign memory.
constexpr napi_type_tag machine_tag = {0x7473626879766521, 0x4d616368696e6531};

}  // namespace

Napi::Function Machine::define(Napi::Env env) {
  using M = Machine;
  return DefineClass(env, "Machine",
                     {
                         InstanceMethod<&M::checked<&M::add_memory>>("addMemory"),
                         InstanceMethod<&M::checked<&M::create_vcpus>>("createVcpus"),
                         InstanceMethod<&M::checked<&M::run>>("run"),
                         InstanceMethod<&M::checked<&M::safepoint>>("safepoint"),
                         InstanceMethod<&M::checked<&M::error_text>>("errorText"),
                         InstanceMethod<&M::checked<&M::get_time>>("getTime"),
                         InstanceMethod<&M::checked<&M::set_time>>("setTime"),
                         InstanceMethod<&M::checked<&M::hold_time>>("holdTime"),
                         InstanceMethod<&M::checked<&M::next_deadline>>("nextDeadline"),
                         InstanceMethod<&M::checked<&M::instructions>>("instructions"),
                         InstanceMethod<&M::checked<&M::send_msi>>("sendMsi"),
                         InstanceMethod<&M::checked<&M::set_external_interrupt>>("setExternalInterrupt"),
                         InstanceMethod<&M::checked<&M::set_pic_input>>("setPicInput"),
                         InstanceMethod<&M::checked<&M::set_ioapic_input>>("setIoapicInput"),
                         InstanceMethod<&M::checked<&M::write_cmos>>("writeCmos"),
                         InstanceMethod<&M::checked<&M::set_rtc>>("setRtc"),
                         InstanceMethod<&M::checked<&M::get_rtc>>("getRtc"),
                         InstanceMethod<&M::checked<&M::chipset_refusal>>("chipsetRefusal"),
                         InstanceMethod<&M::checked<&M::chipset_version>>("chipsetVersion"),
                         InstanceMethod<&M::checked<&M::save_chipset>>("saveChipset"),
                         InstanceMethod<&M::checked<&M::load_chipset>>("loadChipset"),
                         InstanceMethod<&M::checked<&M::inject_nmi>>("injectNmi"),
                         InstanceMethod<&M::checked<&M::reset>>("reset"),
                         InstanceMethod<&M::checked<&M::get_registers>>("getRegisters"),
                         InstanceMethod<&M::checked<&M::set_registers>>("setRegisters"),
                         InstanceMethod<&M::checked<&M::get_msrs>>("getMsrs"),
                         InstanceMethod<&M::checked<&M::set_msrs>>("setMsrs"),
                         InstanceMethod<&M::checked<&M::get_xsave>>("getXsave"),
                         InstanceMethod<&M::checked<&M::set_xsave>>("setXsave"),
                         InstanceMethod<&M::checked<&M::get_lapic>>("getLapic"),
                         InstanceMethod<&M::checked<&M::set_lapic>>("setLapic"),
                         InstanceMethod<&M::checked<&M::get_private>>("getPrivate"),
                         InstanceMethod<&M::checked<&M::set_private>>("setPrivate"),
                         InstanceMethod<&M::checked<&M::get_shared>>("getShared"),
                         InstanceMethod<&M::checked<&M::set_shared>>("setShared"),
                         InstanceMethod<&M::checked<&M::memory_written>>("memoryWritten"),
                         InstanceMethod<&M::checked<&M::attentions>>("attentions"),
                         InstanceMethod<&M::checked<&M::discard>>("discard"),
                         InstanceMethod<&M::checked<&M::open_dirty_log>>("openDirtyLog"),
                         InstanceMethod<&M::checked<&M::close_dirty_log>>("closeDirtyLog"),
                         InstanceMethod<&M::checked<&M::take_dirty_log>>("takeDirtyLog"),
                         InstanceMethod<&M::checked<&M::drop_caches>>("dropCaches"),
                         InstanceMethod<&M::checked<&M::rest_translator>>("restTranslator"),
                         InstanceMethod<&M::checked<&M::counters>>("counters"),
                         InstanceMethod<&M::checked<&M::capabilities>>("capabilities"),
                         InstanceMethod<&M::checked<&M::wake_count>>("wakeCount"),
                         InstanceMethod<&M::checked<&M::wait_events>>("waitEvents"),
                         InstanceMethod<&M::checked<&M::wait_event_of>>("waitEventOf"),
                         InstanceMethod<&M::checked<&M::take_events>>("takeEvents"),
                         InstanceMethod<&M::checked<&M::has_doorbells>>("hasDoorbells"),
                         InstanceMethod<&M::checked<&M::open_doorbells>>("openDoorbells"),
                         InstanceMethod<&M::checked<&M::add_doorbell>>("addDoorbell"),
                         InstanceMethod<&M::checked<&M::remove_doorbell>>("removeDoorbell"),
                         InstanceMethod<&M::checked<&M::close>>("close"),
                     });
}

Machine::Machine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Machine>(info), ram_(std::make_shared<GuestRam>()) {
  const Napi::Env env = info.Env();
  engine_name_ = info[0].ToString();
  options_ = guarded(env, [&] { return options_from(info[1]); });
  id_ = register_machine(events_);
  Value().TypeTag(&machine_tag);
  Value().DefineProperty(Napi::PropertyDescriptor::Value("id", Napi::Number::New(env, id_), napi_enumerable));
}

Machine::~Machine() { release(); }

/// Threads first, then views, then memory: a stale view then reads as empty instead of faulting.
void Machine::release() {
  if (!ram_) return;
  forget_machine(id_);
  io_pool_.reset();
  events_->set_engine(nullptr);
  engine_.reset();
  for (auto& buffer : buffers_) {
    Napi::HandleScope scope(Env());
    if (!buffer.IsEmpty() && !buffer.Value().IsEmpty()) buffer.Value().Detach();
  }
  buffers_.clear();
  ram_.reset();
}

Machine& Machine::from(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&machine_tag)) {
    throw_coded(value.Env(), "ERR_INVALID", "expected a Machine");
  }
  Machine& machine = *Unwrap(value.As<Napi::Object>());
  if (!machine.ram_) throw_coded(value.Env(), "ERR_CLOSED", "the machine is closed");
  return machine;
}

IoPool& Machine::io_pool() {
  if (!io_pool_) io_pool_ = std::make_unique<IoPool>();
  return *io_pool_;
}

void Machine::keep_with_ram(std::shared_ptr<void> backing) {
  GuestRam* const ram = ram_.get();
  ram_.reset(ram, [owner = std::move(ram_), backing](GuestRam*) mutable {
    backing.reset();
    owner.reset();
  });
}

Engine& Machine::engine(Napi::Env env) {
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (!engine_) throw_coded(env, "ERR_NO_VCPU", "the machine has no vCPU yet");
  return *engine_;
}

VcpuEngine& Machine::vcpu(const Napi::CallbackInfo& info) {
  Engine& all = engine(info.Env());
  const std::uint32_t index = to_u32(info[0], "vCPU");
  if (index >= all.vcpu_count()) {
    throw_coded(info.Env(), "ERR_INVALID",
                "vCPU " + std::to_string(index) + ": expected 0 to " + std::to_string(all.vcpu_count() - 1));
  }
  return all.vcpu(index);
}

Napi::Value Machine::add_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (engine_) throw_coded(env, "ERR_INVALID", "memory is added before the vCPUs");
  const std::uint64_t base = to_u64(info[0], "base"), length = to_u64(info[1], "length");
  const GuestRam::Segment& segment = ram_->add_segment(base, length, info[2].ToBoolean());
  auto views = Napi::Array::New(env);
  for (std::uint64_t at = 0; at < length; at += buffer_bytes) {
    auto buffer = Napi::ArrayBuffer::New(env, segment.host + at, std::min(buffer_bytes, length - at));
    buffers_.push_back(Napi::Weak(buffer));
    views[views.Length()] = buffer;
  }
  return views;
}

/// One slot a vCPU.
Napi::Value Machine::create_vcpus(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (engine_) throw_coded(env, "ERR_INVALID", "the machine has its vCPUs already");
  EngineOptions options = options_;
  options.vcpus = to_u32(info[0], "vCPUs");
  engine_ = create_engine(engine_name_, ram_.get(), options);
  events_->set_engine(engine_.get());
  engine_->set_news([events = events_] { events->nudge(); });
  auto slots = Napi::Array::New(env);
  for (std::uint32_t index = 0; index < engine_->vcpu_count(); index++) {
    auto slot = Napi::ArrayBuffer::New(env, &engine_->vcpu(index).slot, sizeof(ExitSlot));
    buffers_.push_back(Napi::Weak(slot));
    slots[index] = slot;
  }
  return slots;
}

namespace {

/// Kind and vCPU in one small number, which costs JavaScript no object.
Napi::Value to_number(Napi::Env env, const Exit& exit) {
  return Napi::Number::New(env, static_cast<std::uint32_t>(exit.kind) | exit.vcpu << 8);
}

}  // namespace

Napi::Value Machine::run(const Napi::CallbackInfo& info) {
  Engine& all = engine(info.Env());
  return to_number(info.Env(), all.run(static_cast<std::int64_t>(all.vcpu(0).slot.deadline)));
}

Napi::Value Machine::safepoint(const Napi::CallbackInfo& info) {
  return to_number(info.Env(), engine(info.Env()).safepoint());
}

Napi::Value Machine::error_text(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), vcpu(info).error_text());
}

Napi::Value Machine::get_time(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), engine(info.Env()).time());
}

void Machine::set_time(const Napi::CallbackInfo& info) {
  const std::uint64_t time = to_u64(info[0], "time");
  engine(info.Env()).set_time(static_cast<std::int64_t>(time));
}

void Machine::hold_time(const Napi::CallbackInfo& info) { engine(info.Env()).hold_time(info[0].ToBoolean()); }

Napi::Value Machine::next_deadline(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), engine(info.Env()).next_deadline());
}

Napi::Value Machine::instructions(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), vcpu(info).instructions());
}

void Machine::send_msi(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address");
  const std::uint32_t data = to_u32(info[1], "data");
  engine(info.Env()).send_msi(address, data);
}

void Machine::set_external_interrupt(const Napi::CallbackInfo& info) {
  engine(info.Env()).set_external_interrupt(info[0].ToBoolean());
}

void Machine::inject_nmi(const Napi::CallbackInfo& info) { vcpu(info).inject_nmi(); }

void Machine::reset(const Napi::CallbackInfo& info) { engine(info.Env()).reset(); }

void Machine::drop_caches(const Napi::CallbackInfo& info) { engine(info.Env()).drop_caches(); }

void Machine::rest_translator(const Napi::CallbackInfo& info) {
  engine(info.Env()).rest_translator(info[0].ToBoolean());
}

Napi::Value Machine::counters(const Napi::CallbackInfo& info) {
  engine(info.Env()).stand();
  auto values = Napi::Object::New(info.Env());
  for (const auto& [name, count] : vcpu(info).counters()) values[name] = static_cast<double>(count);
  return values;
}

Napi::Value Machine::capabilities(const Napi::CallbackInfo& info) {
  return to_object(info.Env(), engine(info.Env()).capabilities());
}

void Machine::close(const Napi::CallbackInfo&) { release(); }

}  // namespace tsbhyve
