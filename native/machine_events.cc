// SPDX-License-Identifier: BSD-2-Clause
// The event queue, seen from the thread that owns the machine.
#include <algorithm>
#include <array>
#include <optional>

#include "convert.h"
#include "machine.h"

namespace tsbhyve {

namespace {

/// An event in JavaScript: source, token, result.
constexpr std::size_t event_words = 3;
constexpr std::size_t most_at_once = 64;

}  // namespace

Napi::Value Machine::wake_count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), events_->wakes());
}

void Machine::wait_events(const Napi::CallbackInfo& info) {
  events_->wait(to_u32(info[0], "seen"), to_u64(info[1], "nanoseconds"));
}

Napi::Value Machine::wait_event_of(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), events_->wait_for(to_u32(info[0], "source"), to_u64(info[1], "nanoseconds")));
}

/// Fills an Int32Array with events and answers how many. The second argument, if any, is the source that is meant.
Napi::Value Machine::take_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw_coded(env, "ERR_INVALID", "events: expected an Int32Array");
  }
  auto words = info[0].As<Napi::Int32Array>();
  std::optional<std::uint32_t> source;
  if (!info[1].IsUndefined()) source = to_u32(info[1], "source");
  std::array<Event, most_at_once> events;
  const std::size_t room = std::min(words.ElementLength() / event_words, events.size());
  const std::size_t taken = events_->take({events.data(), room}, source);
  for (std::size_t index = 0; index < taken; index++) {
    const auto& [from, token, result] = events[index];
    std::int32_t* const at = words.Data() + index * event_words;
    at[0] = static_cast<std::int32_t>(from);
    at[1] = static_cast<std::int32_t>(token);
    at[2] = result;
  }
  return Napi::Number::New(env, static_cast<double>(taken));
}

}  // namespace tsbhyve
