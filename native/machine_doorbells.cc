// SPDX-License-Identifier: BSD-2-Clause
// Stores to devices that are events instead of exits.
#include "convert.h"
#include "machine.h"

namespace tsbhyve {

Napi::Value Machine::has_doorbells(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), engine(info.Env()).has_doorbells());
}

/// Before the machine runs. However often a doorbell is rung until its event is taken, that is one event.
void Machine::open_doorbells(const Napi::CallbackInfo& info) {
  const std::uint32_t source = to_u32(info[0], "source");
  engine(info.Env()).set_doorbells([events = events_, source](std::uint32_t token) {
    events->post_once({source, token, 0});
  });
}

void Machine::add_doorbell(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address");
  const std::uint32_t width = to_u32(info[1], "width"), token = to_u32(info[2], "token");
  engine(info.Env()).add_doorbell(false, address, width, token);
}

void Machine::remove_doorbell(const Napi::CallbackInfo& info) {
  engine(info.Env()).remove_doorbell(to_u32(info[0], "token"));
}

}  // namespace tsbhyve
