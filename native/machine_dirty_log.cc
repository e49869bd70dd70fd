// SPDX-License-Identifier: BSD-2-Clause
// Which pages of guest memory were written, by whom and since when, and pages that are given back.
#include "convert.h"
#include "errors.h"
#include "machine.h"

namespace tsbhyve {

namespace {

unsigned client_of(const Napi::Value& value) {
  const std::uint32_t client = to_u32(value, "dirty-log client");
  if (client >= 8) throw_coded(value.Env(), "ERR_INVALID", "dirty-log client: expected 0 to 7");
  return client;
}

std::span<std::uint8_t> bitmap_for(const Napi::Value& value, const GuestRam& ram) {
  const auto bitmap = bytes_of(value);
  if (bitmap.size() < (ram.page_count() + 7) / 8) {
    throw_coded(value.Env(), "ERR_INVALID", "the bitmap is too short for this memory");
  }
  return bitmap;
}

}  // namespace

void Machine::memory_written(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address"), length = to_u64(info[1], "length");
  Engine& all = engine(info.Env());
  ram_->mark_dirty(address, length);
  all.memory_written(address, length);
}

/// By page, what a write has to be told for; null when every write has to be.
Napi::Value Machine::attentions(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (engine(env).hears_every_write()) return env.Null();
  const auto by_page = ram_->attentions();
  auto buffer = Napi::ArrayBuffer::New(env, by_page.data(), by_page.size());
  buffers_.push_back(Napi::Weak(buffer));
  return Napi::Uint8Array::New(env, by_page.size(), buffer, 0);
}

/// Zeros take the place of what was there: that is a write like any other.
void Machine::discard(const Napi::CallbackInfo& info) {
  const std::uint64_t address = to_u64(info[0], "address"), length = to_u64(info[1], "length");
  Engine& all = engine(info.Env());
  ram_->discard(address, length);
  ram_->mark_dirty(address, length);
  all.memory_written(address, length);
}

Napi::Value Machine::open_dirty_log(const Napi::CallbackInfo& info) {
  Engine& all = engine(info.Env());
  if (!all.capabilities().dirty_log)
    throw_coded(info.Env(), "ERR_INVALID", "this engine does not tell which memory the guest has written");
  unsigned client = 0;
  all.stand();
  if (!ram_->open_client(client)) throw_coded(info.Env(), "ERR_INVALID", "the dirty log has 8 clients already");
  all.dirty_log_taken();
  return Napi::Number::New(info.Env(), client);
}

void Machine::close_dirty_log(const Napi::CallbackInfo& info) {
  engine(info.Env()).stand();
  ram_->close_client(client_of(info[0]));
}

void Machine::take_dirty_log(const Napi::CallbackInfo& info) {
  Engine& all = engine(info.Env());
  const auto bitmap = bitmap_for(info[1], *ram_);
  all.stand();
  ram_->take(client_of(info[0]), bitmap.data());
  all.dirty_log_taken();
}

}  // namespace tsbhyve
