// SPDX-License-Identifier: BSD-2-Clause
#include "layered_image_object.h"

#include <algorithm>

#include "convert.h"
#include "disk/file_image.h"
#include "errors.h"

namespace tsbhyve {

namespace {

using disk::LayerFile;
using snapshot::File;

/// As `guarded`, for what the code that works on files throws too.
template <class Work>
auto attempt(Napi::Env env, Work work) {
  try {
    return guarded(env, work);
  } catch (const snapshot::Failure& failure) {
    throw_coded(env, failure.code.c_str(), failure.message);
  }
}

File file_of(const Napi::Value& value) { return File(value.ToNumber().Int32Value()); }

}  // namespace

Napi::Function LayeredImageObject::define(Napi::Env env) {
  using Self = LayeredImageObject;
  return DefineClass(
      env, "LayeredImage",
      {InstanceMethod("read", &Self::read), InstanceMethod("write", &Self::write),
       InstanceMethod("flush", &Self::flush), InstanceMethod("discard", &Self::discard),
       InstanceMethod("zero", &Self::zero), InstanceMethod("push", &Self::push), InstanceMethod("pop", &Self::pop),
       InstanceMethod("replace", &Self::replace), InstanceMethod("close", &Self::close)});
}

LayeredImageObject::LayeredImageObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  attempt(info.Env(), [&] {
    bytes_ = to_u64(info[2], "bytes");
    if (!info[1].IsArray()) throw_coded(info.Env(), "ERR_INVALID", "expected a list of layers");
    const auto list = info[1].As<Napi::Array>();
    disk::Layers layers;
    for (std::uint32_t index = 0; index < list.Length(); index++) layers.push_back(layer_of(list[index]));
    auto base = std::make_shared<disk::FileImage>(file_of(info[0]));
    image_ = std::make_shared<disk::LayeredImage>(std::move(base), bytes_, std::move(layers), info[3].ToBoolean());
  });
}

Napi::Value LayeredImageObject::read(const Napi::CallbackInfo& info) { return move(info, &disk::DiskImage::read); }

Napi::Value LayeredImageObject::write(const Napi::CallbackInfo& info) { return move(info, &disk::DiskImage::write); }

Napi::Value LayeredImageObject::move(const Napi::CallbackInfo& info, Move move) {
  const Napi::Env env = info.Env();
  return attempt(env, [&] {
    if (!info[0].IsArray()) throw_coded(env, "ERR_INVALID", "expected a list of Uint8Arrays");
    const auto list = info[0].As<Napi::Array>();
    std::vector<iovec> parts;
    std::uint64_t length = 0;
    for (std::uint32_t index = 0; index < list.Length(); index++) {
      const auto bytes = bytes_of(list[index]);
      parts.push_back({bytes.data(), bytes.size()});
      length += bytes.size();
    }
    const std::uint64_t offset = to_u64(info[1], "offset");
    check(env, offset, length);
    return Napi::Number::New(env, (image(env).*move)(parts.data(), static_cast<int>(parts.size()), offset));
  });
}

Napi::Value LayeredImageObject::flush(const Napi::CallbackInfo& info) {
  return attempt(info.Env(), [&] { return Napi::Number::New(info.Env(), image(info.Env()).flush()); });
}

Napi::Value LayeredImageObject::discard(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return attempt(env, [&] {
    const std::uint64_t offset = to_u64(info[0], "offset"), length = to_u64(info[1], "length");
    check(env, offset, length);
    return Napi::Number::New(env, image(env).discard(offset, length));
  });
}

Napi::Value LayeredImageObject::zero(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return attempt(env, [&] {
    const std::uint64_t offset = to_u64(info[0], "offset"), length = to_u64(info[1], "length");
    check(env, offset, length);
    return Napi::Number::New(env, image(env).zero(offset, length, info[2].ToBoolean()));
  });
}

Napi::Value LayeredImageObject::push(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return attempt(env, [&] { return Napi::Number::New(env, image(env).push(layer_of(info[0]))); });
}

void LayeredImageObject::pop(const Napi::CallbackInfo& info) {
  attempt(info.Env(), [&] { image(info.Env()).pop(); });
}

void LayeredImageObject::replace(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  attempt(env, [&] {
    const std::uint64_t first = to_u64(info[0], "first"), count = to_u64(info[1], "count");
    const std::uint64_t layers = image(env).layers().size();
    if (first > layers || count > layers - first) throw_coded(env, "ERR_INVALID", "there are fewer layers");
    image(env).replace(first, count, layer_of(info[2]));
  });
}

void LayeredImageObject::close(const Napi::CallbackInfo&) { image_.reset(); }

void LayeredImageObject::check(Napi::Env env, std::uint64_t offset, std::uint64_t length) const {
  if (offset > bytes_ || length > bytes_ - offset || offset % 512 != 0 || length % 512 != 0) {
    throw_coded(env, "ERR_INVALID", "expected whole sectors within the disk");
  }
}

std::shared_ptr<LayerFile> LayeredImageObject::layer_of(const Napi::Value& value) const {
  if (!value.IsObject()) throw_coded(value.Env(), "ERR_INVALID", "expected a layer");
  const auto layer = value.As<Napi::Object>();
  const auto bytes = bytes_of(layer.Get("id"));
  disk::LayerId id{};
  if (bytes.size() != id.size()) throw_coded(value.Env(), "ERR_INVALID", "expected a layer id of 16 bytes");
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return std::make_shared<LayerFile>(file_of(layer.Get("fd")), id, bytes_);
}

disk::LayeredImage& LayeredImageObject::image(Napi::Env env) {
  if (image_ == nullptr) throw_coded(env, "ERR_CLOSED", "the disk image is closed");
  return *image_;
}

}  // namespace tsbhyve
