// SPDX-License-Identifier: BSD-2-Clause
// The chipset of an engine that has one.
#include "convert.h"
#include "machine.h"

namespace tsbhyve {

KernelChipset& Machine::chipset(Napi::Env env) {
  if (KernelChipset* const chips = engine(env).chipset()) return *chips;
  throw_coded(env, "ERR_INVALID", "this engine has no chipset of its own");
}

void Machine::set_pic_input(const Napi::CallbackInfo& info) {
  chipset(info.Env()).set_pic_input(to_u32(info[0], "irq"), info[1].ToBoolean());
}

void Machine::set_ioapic_input(const Napi::CallbackInfo& info) {
  chipset(info.Env()).set_ioapic_input(to_u32(info[0], "pin"), info[1].ToBoolean());
}

void Machine::write_cmos(const Napi::CallbackInfo& info) {
  chipset(info.Env()).write_cmos(to_u32(info[0], "index"), static_cast<std::uint8_t>(to_u32(info[1], "value")));
}

void Machine::set_rtc(const Napi::CallbackInfo& info) {
  chipset(info.Env()).set_rtc(static_cast<std::int64_t>(to_u64(info[0], "seconds")));
}

Napi::Value Machine::get_rtc(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), chipset(info.Env()).rtc());
}

Napi::Value Machine::chipset_refusal(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), chipset(info.Env()).refusal());
}

Napi::Value Machine::chipset_version(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), chipset(info.Env()).version());
}

Napi::Value Machine::save_chipset(const Napi::CallbackInfo& info) {
  return to_bytes(info.Env(), chipset(info.Env()).save(to_u32(info[0], "part")));
}

void Machine::load_chipset(const Napi::CallbackInfo& info) {
  chipset(info.Env()).load(to_u32(info[0], "part"), bytes_of(info[1]));
}

}  // namespace tsbhyve
