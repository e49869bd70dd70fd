// SPDX-License-Identifier: BSD-2-Clause
#include "disk_exports.h"

#include <algorithm>
#include <utility>

#include "convert.h"
#include "disk/raw_image.h"
#include "disk/request.h"
#include "errors.h"
#include "machine.h"

namespace tsbhyve {

namespace {

using disk::DiskImage;
using disk::Request;
using disk::RequestKind;

constexpr std::uint32_t flag_durable = 1, flag_unmap = 2;

/// The image until `close`.
struct Handle {
  std::shared_ptr<DiskImage> image;
};

std::shared_ptr<DiskImage> open_image(Napi::Env env, const Handle& handle) {
  if (!handle.image) throw_coded(env, "ERR_CLOSED", "the disk is closed");
  return handle.image;
}

std::vector<iovec> parts_of(const Napi::Value& value) {
  if (!value.IsArray()) throw_coded(value.Env(), "ERR_INVALID", "memory: expected an array");
  const auto views = value.As<Napi::Array>();
  std::vector<iovec> parts;
  parts.reserve(views.Length());
  for (std::uint32_t index = 0; index < views.Length(); index++) {
    const Napi::Value view = views[index];
    const auto bytes = bytes_of(view);
    parts.push_back({bytes.data(), bytes.size()});
  }
  return parts;
}

/// From the arguments kind, flags, offset, length, memory.
Request request_from(const Napi::CallbackInfo& info, std::size_t first) {
  const std::uint32_t kind = to_u32(info[first], "kind"), flags = to_u32(info[first + 1], "flags");
  if (kind > static_cast<std::uint32_t>(RequestKind::Zero)) throw_coded(info.Env(), "ERR_INVALID", "no such request");
  Request request{static_cast<RequestKind>(kind),    (flags & flag_durable) != 0,       (flags & flag_unmap) != 0,
                  to_u64(info[first + 2], "offset"), to_u64(info[first + 3], "length"), parts_of(info[first + 4])};
  return request;
}

/// Only guest memory may be worked on later: it is kept until then.
void require_guest_memory(Napi::Env env, const GuestRam& ram, const std::vector<iovec>& parts) {
  const auto& segments = ram.segments();
  for (const iovec& part : parts) {
    const auto start = reinterpret_cast<std::uintptr_t>(part.iov_base);
    const bool is_guests =
        part.iov_len == 0 || std::any_of(segments.begin(), segments.end(), [&](const auto& segment) {
          const auto base = reinterpret_cast<std::uintptr_t>(segment.host);
          return start >= base && start - base < segment.length && part.iov_len <= segment.length - (start - base);
        });
    if (!is_guests) throw_coded(env, "ERR_INVALID", "memory: expected guest memory of this machine");
  }
}

/// (kind, flags, offset, length, memory) => errno
Napi::Value perform_now(const Napi::CallbackInfo& info, const Handle& handle) {
  const auto image = open_image(info.Env(), handle);
  Request request = request_from(info, 0);
  return Napi::Number::New(info.Env(), disk::perform(*image, request));
}

/// (machine, offset, memory) => boolean: true if that is read already.
Napi::Value read_cached(const Napi::CallbackInfo& info, const Handle& handle) {
  const Napi::Env env = info.Env();
  const std::uint64_t offset = to_u64(info[1], "offset");
  const std::vector<iovec> parts = parts_of(info[2]);
  require_guest_memory(env, *Machine::from(info[0]).ram(), parts);
  const int error = open_image(env, handle)->read_cached(parts.data(), static_cast<int>(parts.size()), offset);
  return Napi::Boolean::New(env, error == 0);
}

/// (machine, source, token, kind, flags, offset, length, memory) => boolean: false if too much is on its way already.
Napi::Value submit(const Napi::CallbackInfo& info, const Handle& handle) {
  const Napi::Env env = info.Env();
  Machine& machine = Machine::from(info[0]);
  const std::uint32_t source = to_u32(info[1], "source"), token = to_u32(info[2], "token");
  Request request = request_from(info, 3);
  require_guest_memory(env, *machine.ram(), request.parts);
  const bool is_taken =
      machine.io_pool().submit([image = open_image(env, handle), request = std::move(request), ram = machine.ram(),
                                events = machine.events(), source, token]() mutable {
        const int error = disk::perform(*image, request);
        image.reset();  // a disk that was closed is free when its last request is done
        events->post({source, token, error});
      });
  return Napi::Boolean::New(env, is_taken);
}

/// (fd, direct) => { image, capacity, canDiscard }
Napi::Value open_raw(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto image = std::make_shared<disk::RawImage>(info[0].ToNumber().Int32Value(), info[1].ToBoolean());
    auto result = Napi::Object::New(env);
    result.Set("image", disk_object(env, image));
    result.Set("capacity", static_cast<double>(image->capacity()));
    result.Set("canDiscard", image->can_discard());
    return result;
  });
}

}  // namespace

Napi::Object disk_object(Napi::Env env, std::shared_ptr<DiskImage> image) {
  const auto handle = std::make_shared<Handle>(Handle{std::move(image)});
  auto object = Napi::Object::New(env);
  const auto add = [&](const char* name, auto call) {
    object.Set(name, Napi::Function::New(
                         env,
                         [handle, call](const Napi::CallbackInfo& info) {
                           return guarded(info.Env(), [&] { return call(info, *handle); });
                         },
                         name));
  };
  add("perform", perform_now);
  add("readCached", read_cached);
  add("submit", submit);
  add("close", [](const Napi::CallbackInfo& info, Handle& held) -> Napi::Value {
    held.image.reset();
    return info.Env().Undefined();
  });
  return object;
}

Napi::Object disk_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("openRaw", Napi::Function::New(env, open_raw, "openRaw"));
  return exports;
}

}  // namespace tsbhyve
