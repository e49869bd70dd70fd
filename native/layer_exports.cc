// SPDX-License-Identifier: BSD-2-Clause
#include "layer_exports.h"

#include <algorithm>
#include <cerrno>

#include "convert.h"
#include "disk/file_base.h"
#include "disk/layer_jobs.h"
#include "disk/layered_image.h"
#include "disk_exports.h"
#include "disk_handle.h"
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

std::shared_ptr<disk::LayeredImage> layered_from(const Napi::Value& handle) {
  auto image = std::dynamic_pointer_cast<disk::LayeredImage>(image_from(handle));
  if (!image) throw_coded(handle.Env(), "ERR_INVALID", "expected a layered disk image");
  return image;
}

/// openLayers(base fd, layers, disk bytes, sync): { handle, disk }, of which the disk does what any image does
Napi::Value open_layers(const Napi::CallbackInfo& info) {
  return attempt(info.Env(), [&] {
    const std::uint64_t bytes = to_u64(info[2], "bytes");
    const bool sync = info[3].ToBoolean();
    disk::Layers layers;
    for (auto& source : sources_of(info[1])) layers.push_back(layer_of(std::move(source), bytes));
    auto base = std::make_shared<disk::FileBase>(File(fd_of(info[0])), sync);
    auto image = std::make_shared<disk::LayeredImage>(std::move(base), bytes, std::move(layers), sync);
    auto result = Napi::Object::New(info.Env());
    result.Set("disk", disk_object(info.Env(), image));
    result.Set("handle", to_handle(info.Env(), std::move(image)));
    return result;
  });
}

void fail(int number, const char* call) {
  if (number == 0) return;
  errno = number;
  snapshot::fail_errno(call);
}

/// pushLayer(handle, { fd, id })
void push_layer(const Napi::CallbackInfo& info) {
  attempt(info.Env(), [&] {
    const auto image = layered_from(info[0]);
    fail(image->push(layer_of(source_of(info[1]), image->disk_bytes())), "fdatasync");
  });
}

/// popLayer(handle)
void pop_layer(const Napi::CallbackInfo& info) { layered_from(info[0])->pop(); }

/// replaceLayers(handle, first, count, { fd, id })
void replace_layers(const Napi::CallbackInfo& info) {
  attempt(info.Env(), [&] {
    const auto image = layered_from(info[0]);
    const std::uint32_t first = to_u32(info[1], "first"), count = to_u32(info[2], "count");
    if (std::uint64_t{first} + count > image->layers().size()) {
      throw_coded(info.Env(), "ERR_INVALID", "no such layers");
    }
    image->replace(first, count, layer_of(source_of(info[3]), image->disk_bytes()));
  });
}

/// flushImage(handle)
void flush_image(const Napi::CallbackInfo& info) {
  attempt(info.Env(), [&] { fail(image_from(info[0])->flush(), "fdatasync"); });
}

/// closeImage(handle)
void close_image(const Napi::CallbackInfo& info) { close_handle(info[0]); }

}  // namespace

Napi::Object layer_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("copyLayers", Napi::Function::New(env, copy_layers, "copyLayers"));
  exports.Set("digestFile", Napi::Function::New(env, digest_file, "digestFile"));
  exports.Set("openLayers", Napi::Function::New(env, open_layers, "openLayers"));
  exports.Set("pushLayer", Napi::Function::New(env, push_layer, "pushLayer"));
  exports.Set("popLayer", Napi::Function::New(env, pop_layer, "popLayer"));
  exports.Set("replaceLayers", Napi::Function::New(env, replace_layers, "replaceLayers"));
  exports.Set("flushImage", Napi::Function::New(env, flush_image, "flushImage"));
  exports.Set("closeImage", Napi::Function::New(env, close_image, "closeImage"));
  return exports;
}

}  // namespace tsbhyve
