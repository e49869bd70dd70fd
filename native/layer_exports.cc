// SPDX-License-Identifier: BSD-2-Clause
#include "layer_exports.h"

#include <algorithm>
#include <cerrno>

#include "convert.h"
#include "disk/layer_jobs.h"
#include "disk/layered_image.h"
#include "disk/raw_image.h"
#include "disk_exports.h"
#include "job_handle.h"

namespace tsbhyve {

namespace {

using disk::LayerId;
using snapshot::File;

LayerId id_of(const Napi::Value& value) {
  const auto bytes = bytes_of(value);
  LayerId id{};
  if (bytes.size() != id.size()) throw_coded(value.Env(), "ERR_INVALID", "expected a layer id of 16 bytes");
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

/// { fd, id }
disk::LayerSource source_of(const Napi::Value& value) {
  const auto layer = value.ToObject();
  return {File(fd_of(layer.Get("fd"))), id_of(layer.Get("id"))};
}

/// A list of them, from the oldest
std::vector<disk::LayerSource> sources_of(const Napi::Value& value) {
  if (!value.IsArray()) throw_coded(value.Env(), "ERR_INVALID", "expected a list of layers");
  const auto list = value.As<Napi::Array>();
  std::vector<disk::LayerSource> sources;
  for (std::uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value layer = list[i];
    sources.push_back(source_of(layer));
  }
  return sources;
}

/// copyLayers(base fd or null, layers, disk bytes, target fd, target's id or null, target is empty)
Napi::Value copy_layers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto job = attempt(env, [&] {
    std::optional<File> base;
    if (!info[0].IsNull()) base.emplace(fd_of(info[0]));
    std::optional<LayerId> id;
    if (!info[4].IsNull()) id = id_of(info[4]);
    disk::CopyTarget target{File(fd_of(info[3])), id, info[5].ToBoolean()};
    return std::make_shared<disk::CopyLayers>(std::move(base), sources_of(info[1]), to_u64(info[2], "bytes"),
                                              std::move(target));
  });
  return follow(env, job, [](Napi::Env now) { return now.Null(); });
}

/// digestFile(fd): 16 bytes
Napi::Value digest_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto job = attempt(env, [&] { return std::make_shared<disk::DigestFile>(File(fd_of(info[0]))); });
  return follow(env, job, [job](Napi::Env now) { return to_bytes(now, job->digest()); });
}

std::shared_ptr<disk::LayerFile> layer_of(disk::LayerSource source, std::uint64_t bytes) {
  return std::make_shared<disk::LayerFile>(std::move(source.file), source.id, bytes);
}

void fail(int number, const char* call) {
  if (number == 0) return;
  errno = number;
  snapshot::fail_errno(call);
}

/// push({ fd, id })
void push(const Napi::CallbackInfo& info, disk::LayeredImage& image) {
  fail(image.push(layer_of(source_of(info[0]), image.disk_bytes())), "fdatasync");
}

/// replace(first, count, { fd, id })
void replace(const Napi::CallbackInfo& info, disk::LayeredImage& image) {
  const std::uint32_t first = to_u32(info[0], "first"), count = to_u32(info[1], "count");
  if (std::uint64_t{first} + count > image.layers().size()) throw_coded(info.Env(), "ERR_INVALID", "no such layers");
  image.replace(first, count, layer_of(source_of(info[2]), image.disk_bytes()));
}

/// openLayers(base fd, layers, disk bytes, sync): what any image is, with { push, pop, replace, flush }
Napi::Value open_layers(const Napi::CallbackInfo& info) {
  return attempt(info.Env(), [&] {
    const std::uint64_t bytes = to_u64(info[2], "bytes");
    disk::Layers layers;
    for (auto& source : sources_of(info[1])) layers.push_back(layer_of(std::move(source), bytes));
    auto base = std::make_shared<disk::RawImage>(fd_of(info[0]), false);
    const auto image =
        std::make_shared<disk::LayeredImage>(std::move(base), bytes, std::move(layers), info[3].ToBoolean());
    auto object = disk_object(info.Env(), image);
    const auto add = [&](const char* name, auto call) {
      // Weak: `close` lets go of the image, and with its files go their locks.
      const auto run = [held = std::weak_ptr(image), call](const Napi::CallbackInfo& given) {
        const auto open = held.lock();
        if (!open) throw_coded(given.Env(), "ERR_CLOSED", "the disk is closed");
        attempt(given.Env(), [&] { call(given, *open); });
      };
      object.Set(name, Napi::Function::New(info.Env(), run, name));
    };
    add("push", push);
    add("pop", [](const Napi::CallbackInfo&, disk::LayeredImage& open) { open.pop(); });
    add("replace", replace);
    add("flush", [](const Napi::CallbackInfo&, disk::LayeredImage& open) { fail(open.flush(), "fdatasync"); });
    return object;
  });
}

}  // namespace

Napi::Object layer_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("copyLayers", Napi::Function::New(env, copy_layers, "copyLayers"));
  exports.Set("digestFile", Napi::Function::New(env, digest_file, "digestFile"));
  exports.Set("openLayers", Napi::Function::New(env, open_layers, "openLayers"));
  return exports;
}

}  // namespace tsbhyve
