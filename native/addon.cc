// SPDX-License-Identifier: BSD-2-Clause
// The whole export list of the native addon, and nothing else.
#include <napi.h>

#include "engine/lapic_state.h"
#include "engine/registers.h"
#include "machine.h"
#include "registry.h"

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

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("abiVersion", tsbhyve::abi_version);
  exports.Set("layout", Napi::Function::New(env, layout, "layout"));
  exports.Set("wake", Napi::Function::New(env, wake, "wake"));
  exports.Set("Machine", tsbhyve::Machine::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(tsbhyve, initialize)
