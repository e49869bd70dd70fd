// SPDX-License-Identifier: BSD-2-Clause
// The whole export list of the native addon, and nothing else.
#include <napi.h>

#include "disk_exports.h"
#include "engine/lapic_state.h"
#include "engine/registers.h"
#include "hostfs_exports.h"
#include "layer_exports.h"
#include "machine.h"
#include "nbd_exports.h"
#include "net_exports.h"
#include "registry.h"
#include "sandbox_exports.h"
#include "snapshot_exports.h"
#include "vmm/probe.h"
#ifdef __linux__
#include "kvm/probe.h"
#endif

namespace {

/// Register rows as [name, group] and LAPIC rows as [name, count], for the test that compares them with TypeScript's.
Napi::Value layout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto registers = Napi::Array::New(env), lapic = Napi::Array::New(env);
  for (const tsbhyve::RegisterRow& row : tsbhyve::register_rows) {
    auto pair = Napi::Array::New(env);
    pair[0u] = Napi::String::New(env, row.name);
    pair[1u] = Napi::Number::New(env, static_cast<std::uint32_t>(row.group));
    registers[registers.Length()] = pair;
  }
  for (const tsbhyve::LapicRowInfo& row : tsbhyve::lapic_rows) {
    auto pair = Napi::Array::New(env);
    pair[0u] = Napi::String::New(env, row.name);
    pair[1u] = Napi::Number::New(env, static_cast<std::uint32_t>(row.count));
    lapic[lapic.Length()] = pair;
  }
  auto result = Napi::Object::New(env);
  result.Set("registers", registers);
  result.Set("lapic", lapic);
  return result;
}

Napi::Value wake(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), tsbhyve::wake_machine(info[0].ToNumber().Uint32Value()));
}

/// (instructions a second that are known, or 0): { available, reason, instructionsPerSecond, tscHz, tscScalable }, as
/// native/kvm/probe.h explains them.
Napi::Value kvm_probe(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
#ifdef __linux__
  const double known = info[0].ToNumber().DoubleValue();
  const tsbhyve::KvmProbe probe = tsbhyve::guarded(info.Env(), [known] { return tsbhyve::kvm_probe(known); });
  result.Set("available", probe.available);
  result.Set("reason", probe.reason);
  result.Set("instructionsPerSecond", probe.instructions_per_second);
  result.Set("tscHz", Napi::BigInt::New(info.Env(), probe.tsc_hz));
  result.Set("tscScalable", probe.tsc_scalable);
#else
  result.Set("available", false);
  result.Set("reason", "KVM needs Linux");
  result.Set("instructionsPerSecond", 0);
  result.Set("tscHz", Napi::BigInt::New(info.Env(), std::uint64_t{0}));
  result.Set("tscScalable", false);
#endif
  return result;
}

/// { reason, tscHz }, as native/vmm/probe.h explains them.
Napi::Value vmm_probe(const Napi::CallbackInfo& info) {
  const std::string library = info[0].ToString();
  const auto probe = tsbhyve::guarded(info.Env(), [&] { return tsbhyve::vmm_probe(library); });
  auto result = Napi::Object::New(info.Env());
  result.Set("reason", probe.reason);
  result.Set("tscHz", Napi::BigInt::New(info.Env(), probe.tsc_hz));
  return result;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("abiVersion", tsbhyve::abi_version);
  exports.Set("layout", Napi::Function::New(env, layout, "layout"));
  exports.Set("wake", Napi::Function::New(env, wake, "wake"));
  exports.Set("kvmProbe", Napi::Function::New(env, kvm_probe, "kvmProbe"));
  exports.Set("vmmProbe", Napi::Function::New(env, vmm_probe, "vmmProbe"));
  exports.Set("Machine", tsbhyve::Machine::define(env));
  exports.Set("nbd", tsbhyve::nbd_exports(env));
  exports.Set("sandbox", tsbhyve::sandbox_exports(env));
  exports.Set("net", tsbhyve::net_exports(env));
  exports.Set("snapshot", tsbhyve::snapshot_exports(env));
  exports.Set("layers", tsbhyve::layer_exports(env));
  exports.Set("hostfs", tsbhyve::hostfs_exports(env));
  exports.Set("disk", tsbhyve::disk_exports(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(tsbhyve, initialize)
