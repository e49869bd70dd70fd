// SPDX-License-Identifier: BSD-2-Clause
#include "machine.h"

#include "engine/create.h"
#include "errors.h"
#include "registry.h"
#include "soft/soft_engine.h"

namespace tsbhyve {

namespace {

/// External ArrayBuffers above 4 GiB abort Node 20; the contract hands out at most 1 GiB each.
constexpr std::uint64_t buffer_bytes = 1ull << 30;

/// Told apart from other wrapped objects, so that a borrowed method fails instead of reading foreign memory.
constexpr napi_type_tag machine_tag = {0x7473626879766521, 0x4d616368696e6531};

std::uint64_t to_u64(const Napi::Value& value, const char* name) {
  bool lossless = false;
  if (value.IsBigInt()) {
    const std::uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
    if (lossless) return number;
  } else if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= 9007199254740991.0 && number == static_cast<double>(static_cast<std::uint64_t>(number))) {
      return static_cast<std::uint64_t>(number);
    }
  }
  throw_coded(value.Env(), "ERR_INVALID", std::string(name) + ": expected an unsigned 64-bit integer");
}

std::span<const std::uint8_t> bytes_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw_coded(value.Env(), "ERR_INVALID", "expected a Uint8Array");
  const auto array = value.As<Napi::TypedArray>();
  const auto* data = static_cast<const std::uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return {data, array.ByteLength()};
}

std::span<std::uint64_t> words_of(const Napi::Value& value, std::size_t at_least) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array ||
      value.As<Napi::TypedArray>().ElementLength() < at_least) {
    throw_coded(value.Env(), "ERR_INVALID", "expected a BigUint64Array of at least " + std::to_string(at_least) + " elements");
  }
  auto array = value.As<Napi::BigUint64Array>();
  return {array.Data(), array.ElementLength()};
}

Napi::Value to_bytes(Napi::Env env, const std::vector<std::uint8_t>& bytes) {
  auto copy = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.Data());
  return copy;
}

Napi::Value to_words(Napi::Env env, const std::vector<std::uint64_t>& words) {
  auto copy = Napi::BigUint64Array::New(env, words.size());
  std::copy(words.begin(), words.end(), copy.Data());
  return copy;
}

/// options: { virtualClock, numerator, denominator, tscHz, physicalAddressBits, cpuid: Uint32Array of rows of six }
EngineOptions options_from(const Napi::Object& source) {
  EngineOptions options;
  options.virtual_clock = source.Get("virtualClock").ToBoolean();
  options.nanoseconds_numerator = source.Get("numerator").ToNumber().Uint32Value();
  options.nanoseconds_denominator = source.Get("denominator").ToNumber().Uint32Value();
  options.tsc_hz = to_u64(source.Get("tscHz"), "tscHz");
  options.physical_address_bits = source.Get("physicalAddressBits").ToNumber().Uint32Value();
  if (options.nanoseconds_numerator == 0 || options.nanoseconds_denominator == 0) {
    throw std::invalid_argument("the virtual clock's rate must be a fraction of positive integers");
  }
  const auto cpuid = source.Get("cpuid").As<Napi::Uint32Array>();
  for (std::size_t at = 0; at + 6 <= cpuid.ElementLength(); at += 6) {
    options.cpuid.push_back({cpuid[at], cpuid[at + 1], cpuid[at + 2], cpuid[at + 3], cpuid[at + 4], cpuid[at + 5]});
  }
  return options;
}

}  // namespace

Napi::Function Machine::define(Napi::Env env) {
  using M = Machine;
  return DefineClass(env, "Machine",
                     {
                         InstanceMethod<&M::add_memory>("addMemory"),
                         InstanceMethod<&M::create_vcpu>("createVcpu"),
                         InstanceMethod<&M::run>("run"),
                         InstanceMethod<&M::safepoint>("safepoint"),
                         InstanceMethod<&M::get_time>("getTime"),
                         InstanceMethod<&M::set_time>("setTime"),
                         InstanceMethod<&M::hold_time>("holdTime"),
                         InstanceMethod<&M::next_deadline>("nextDeadline"),
                         InstanceMethod<&M::instructions>("instructions"),
                         InstanceMethod<&M::send_msi>("sendMsi"),
                         InstanceMethod<&M::set_external_interrupt>("setExternalInterrupt"),
                         InstanceMethod<&M::inject_nmi>("injectNmi"),
                         InstanceMethod<&M::reset>("reset"),
                         InstanceMethod<&M::get_registers>("getRegisters"),
                         InstanceMethod<&M::set_registers>("setRegisters"),
                         InstanceMethod<&M::get_msrs>("getMsrs"),
                         InstanceMethod<&M::set_msrs>("setMsrs"),
                         InstanceMethod<&M::get_xsave>("getXsave"),
                         InstanceMethod<&M::set_xsave>("setXsave"),
                         InstanceMethod<&M::get_lapic>("getLapic"),
                         InstanceMethod<&M::set_lapic>("setLapic"),
                         InstanceMethod<&M::get_private>("getPrivate"),
                         InstanceMethod<&M::set_private>("setPrivate"),
                         InstanceMethod<&M::memory_written>("memoryWritten"),
                         InstanceMethod<&M::open_dirty_log>("openDirtyLog"),
                         InstanceMethod<&M::close_dirty_log>("closeDirtyLog"),
                         InstanceMethod<&M::take_dirty_log>("takeDirtyLog"),
                         InstanceMethod<&M::drop_caches>("dropCaches"),
                         InstanceMethod<&M::capabilities>("capabilities"),
                         InstanceMethod<&M::close>("close"),
                     });
}

Machine::Machine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Machine>(info), ram_(std::make_unique<GuestRam>()) {
  const Napi::Env env = info.Env();
  engine_name_ = info[0].ToString();
  options_ = guarded(env, [&] { return options_from(info[1].As<Napi::Object>()); });
  id_ = register_machine();
  Value().TypeTag(&machine_tag);
  Value().DefineProperty(Napi::PropertyDescriptor::Value("id", Napi::Number::New(env, id_), napi_enumerable));
}

Machine::~Machine() { release(); }

/// Threads first, then views, then memory: a stale view then reads as empty instead of faulting.
void Machine::release() {
  if (!ram_) return;
  forget_machine(id_);
  engine_.reset();
  for (auto& buffer : buffers_) {
    Napi::HandleScope scope(Env());
    if (!buffer.IsEmpty() && !buffer.Value().IsEmpty()) buffer.Value().Detach();
  }
  buffers_.clear();
  ram_.reset();
}

VcpuEngine& Machine::engine(Napi::Env env) {
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (!engine_) throw_coded(env, "ERR_NO_VCPU", "the machine has no vCPU yet");
  return *engine_;
}

Napi::Value Machine::add_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (engine_) throw_coded(env, "ERR_INVALID", "memory is added before the vCPU");
  const std::uint64_t base = to_u64(info[0], "base"), length = to_u64(info[1], "length");
  const GuestRam::Segment& segment = guarded(env, [&]() -> const GuestRam::Segment& {
    return ram_->add_segment(base, length, info[2].ToBoolean());
  });
  auto views = Napi::Array::New(env);
  for (std::uint64_t at = 0; at < length; at += buffer_bytes) {
    auto buffer = Napi::ArrayBuffer::New(env, segment.host + at, std::min(buffer_bytes, length - at));
    buffers_.push_back(Napi::Weak(buffer));
    views[views.Length()] = buffer;
  }
  return views;
}

Napi::Value Machine::create_vcpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!ram_) throw_coded(env, "ERR_CLOSED", "the machine is closed");
  if (engine_) throw_coded(env, "ERR_INVALID", "the machine has its vCPU already");
  engine_ = guarded(env, [&] { return create_engine(engine_name_, ram_.get(), options_); });
  set_machine_engine(id_, engine_.get());
  auto slot = Napi::ArrayBuffer::New(env, &engine_->slot, sizeof(ExitSlot));
  buffers_.push_back(Napi::Weak(slot));
  return slot;
}

Napi::Value Machine::run(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  const auto deadline = static_cast<std::int64_t>(vcpu.slot.deadline);
  const ExitKind kind = guarded(info.Env(), [&] { return vcpu.run(deadline); });
  return Napi::Number::New(info.Env(), static_cast<std::uint32_t>(kind));
}

Napi::Value Machine::safepoint(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  const ExitKind kind = guarded(info.Env(), [&] { return vcpu.safepoint(); });
  return Napi::Number::New(info.Env(), static_cast<std::uint32_t>(kind));
}

Napi::Value Machine::get_time(const Napi::CallbackInfo& info) { return Napi::BigInt::New(info.Env(), engine(info.Env()).time()); }

void Machine::set_time(const Napi::CallbackInfo& info) {
  const std::uint64_t time = to_u64(info[0], "time");
  engine(info.Env()).set_time(static_cast<std::int64_t>(time));
}

void Machine::hold_time(const Napi::CallbackInfo& info) { engine(info.Env()).hold_time(info[0].ToBoolean()); }

Napi::Value Machine::next_deadline(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), engine(info.Env()).next_deadline());
}

Napi::Value Machine::instructions(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), engine(info.Env()).instructions());
}

void Machine::send_msi(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address");
  engine(info.Env()).send_msi(address, info[1].ToNumber().Uint32Value());
}

void Machine::set_external_interrupt(const Napi::CallbackInfo& info) {
  engine(info.Env()).set_external_interrupt(info[0].ToBoolean());
}

void Machine::inject_nmi(const Napi::CallbackInfo& info) { engine(info.Env()).inject_nmi(); }

void Machine::reset(const Napi::CallbackInfo& info) { engine(info.Env()).reset(); }

void Machine::get_registers(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  vcpu.get_registers(static_cast<RegisterGroup>(info[0].ToNumber().Uint32Value()), words_of(info[1], register_count));
}

void Machine::set_registers(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  const auto groups = static_cast<RegisterGroup>(info[0].ToNumber().Uint32Value());
  guarded(info.Env(), [&] { vcpu.set_registers(groups, words_of(info[1], register_count)); });
}

/// MSRs as pairs in one array: number, value, number, value ...
Napi::Value Machine::get_msrs(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  std::vector<std::uint64_t> words;
  for (const auto& [index, value] : guarded(info.Env(), [&] { return vcpu.get_msrs(); })) {
    words.push_back(index);
    words.push_back(value);
  }
  return to_words(info.Env(), words);
}

void Machine::set_msrs(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  const auto words = words_of(info[0], 0);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> values;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) values.emplace_back(static_cast<std::uint32_t>(words[at]), words[at + 1]);
  guarded(info.Env(), [&] { vcpu.set_msrs(values); });
}

Napi::Value Machine::get_xsave(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  return to_bytes(info.Env(), guarded(info.Env(), [&] { return vcpu.get_xsave(); }));
}

void Machine::set_xsave(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  guarded(info.Env(), [&] { vcpu.set_xsave(bytes_of(info[0])); });
}

Napi::Value Machine::get_lapic(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  return to_words(info.Env(), guarded(info.Env(), [&] { return vcpu.get_lapic(); }));
}

void Machine::set_lapic(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  guarded(info.Env(), [&] { vcpu.set_lapic(words_of(info[0], 0)); });
}

Napi::Value Machine::get_private(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  return to_bytes(info.Env(), guarded(info.Env(), [&] { return vcpu.get_private(); }));
}

void Machine::set_private(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  guarded(info.Env(), [&] { vcpu.set_private(bytes_of(info[0])); });
}

void Machine::memory_written(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address"), length = to_u64(info[1], "length");
  VcpuEngine& vcpu = engine(info.Env());
  for (std::uint64_t page = address & ~std::uint64_t{4095}; page < address + length; page += 4096) {
    if (ram_->find(page)) ram_->mark_dirty(ram_->page_index(page));
  }
  vcpu.memory_written(address, length);
}

Napi::Value Machine::open_dirty_log(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  unsigned client = 0;
  if (!ram_->open_client(client)) throw_coded(info.Env(), "ERR_INVALID", "the dirty log has 8 clients already");
  vcpu.dirty_log_taken();
  return Napi::Number::New(info.Env(), client);
}

namespace {
unsigned client_of(const Napi::Value& value) {
  const std::uint32_t client = value.ToNumber().Uint32Value();
  if (client >= 8) throw_coded(value.Env(), "ERR_INVALID", "dirty-log client: expected 0 to 7");
  return client;
}
}  // namespace

void Machine::close_dirty_log(const Napi::CallbackInfo& info) {
  engine(info.Env());
  ram_->close_client(client_of(info[0]));
}

void Machine::take_dirty_log(const Napi::CallbackInfo& info) {
  VcpuEngine& vcpu = engine(info.Env());
  const auto bitmap = bytes_of(info[1]);
  if (bitmap.size() < (ram_->page_count() + 7) / 8) throw_coded(info.Env(), "ERR_INVALID", "the bitmap is too short for this memory");
  ram_->take(client_of(info[0]), const_cast<std::uint8_t*>(bitmap.data()));
  vcpu.dirty_log_taken();
}

void Machine::drop_caches(const Napi::CallbackInfo& info) { engine(info.Env()).drop_caches(); }

Napi::Value Machine::capabilities(const Napi::CallbackInfo& info) {
  const Capabilities caps = engine(info.Env()).capabilities();
  auto result = Napi::Object::New(info.Env());
  result.Set("engine", caps.engine);
  result.Set("deterministic", caps.deterministic);
  result.Set("cpuidSettable", caps.cpuid_settable);
  result.Set("tscScalable", caps.tsc_scalable);
  result.Set("lapicHz", caps.lapic_hz);
  result.Set("maxVcpus", caps.max_vcpus);
  result.Set("dirtyLog", caps.dirty_log);
  result.Set("missingFromSnapshot", caps.missing_from_snapshot);
  return result;
}

void Machine::close(const Napi::CallbackInfo&) { release(); }

}  // namespace tsbhyve
