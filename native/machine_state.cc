// SPDX-License-Identifier: BSD-2-Clause
// The state of the vCPUs, out and in. The first argument of a call is the vCPU.
#include "convert.h"
#include "machine.h"

namespace tsbhyve {

void Machine::get_registers(const Napi::CallbackInfo& info) {
  const auto groups = static_cast<RegisterGroup>(to_u32(info[1], "register groups"));
  vcpu(info).get_registers(groups, words_of(info[2], register_count));
}

void Machine::set_registers(const Napi::CallbackInfo& info) {
  const auto groups = static_cast<RegisterGroup>(to_u32(info[1], "register groups"));
  vcpu(info).set_registers(groups, words_of(info[2], register_count));
}

/// MSRs as pairs in one array: number, value, number, value ...
Napi::Value Machine::get_msrs(const Napi::CallbackInfo& info) {
  std::vector<std::uint64_t> words;
  for (const auto& [index, value] : vcpu(info).get_msrs()) {
    words.push_back(index);
    words.push_back(value);
  }
  return to_words(info.Env(), words);
}

void Machine::set_msrs(const Napi::CallbackInfo& info) {
  const auto words = words_of(info[1], 0);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> values;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    values.emplace_back(static_cast<std::uint32_t>(words[at]), words[at + 1]);
  }
  vcpu(info).set_msrs(values);
}

Napi::Value Machine::get_xsave(const Napi::CallbackInfo& info) { return to_bytes(info.Env(), vcpu(info).get_xsave()); }

void Machine::set_xsave(const Napi::CallbackInfo& info) { vcpu(info).set_xsave(bytes_of(info[1])); }

Napi::Value Machine::get_lapic(const Napi::CallbackInfo& info) { return to_words(info.Env(), vcpu(info).get_lapic()); }

void Machine::set_lapic(const Napi::CallbackInfo& info) { vcpu(info).set_lapic(words_of(info[1], 0)); }

Napi::Value Machine::get_private(const Napi::CallbackInfo& info) {
  return to_bytes(info.Env(), vcpu(info).get_private());
}

void Machine::set_private(const Napi::CallbackInfo& info) { vcpu(info).set_private(bytes_of(info[1])); }

Napi::Value Machine::get_shared(const Napi::CallbackInfo& info) {
  return to_bytes(info.Env(), engine(info.Env()).get_shared());
}

void Machine::set_shared(const Napi::CallbackInfo& info) { engine(info.Env()).set_shared(bytes_of(info[0])); }

}  // namespace tsbhyve
