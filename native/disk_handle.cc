// SPDX-License-Identifier: BSD-2-Clause
#include "disk_handle.h"

#include "errors.h"

namespace tsbhyve {

namespace {

using Shared = std::shared_ptr<disk::DiskImage>;

constexpr napi_type_tag disk_image_tag = {0x6469736b2d696d61, 0x67652d68616e646c};

Shared& held_by(const Napi::Value& handle) {
  void* data = nullptr;
  if (!handle.IsObject() || !handle.As<Napi::Object>().CheckTypeTag(&disk_image_tag) ||
      napi_unwrap(handle.Env(), handle, &data) != napi_ok) {
    throw_coded(handle.Env(), "ERR_INVALID", "expected a disk image");
  }
  return *static_cast<Shared*>(data);
}

}  // namespace

Napi::Object to_handle(Napi::Env env, Shared image) {
  auto handle = Napi::Object::New(env);
  handle.TypeTag(&disk_image_tag);
  auto owned = std::make_unique<Shared>(std::move(image));
  const auto forget = [](napi_env, void* data, void*) { delete static_cast<Shared*>(data); };
  if (napi_wrap(env, handle, owned.get(), forget, nullptr, nullptr) != napi_ok) {
    throw_coded(env, "ERR_ENGINE", "a disk image cannot be handed over");
  }
  owned.release();
  return handle;
}

void close_handle(const Napi::Value& handle) { held_by(handle).reset(); }

Shared image_from(const Napi::Value& handle) {
  Shared& image = held_by(handle);
  if (!image) throw_coded(handle.Env(), "ERR_CLOSED", "the disk image is closed");
  return image;
}

}  // namespace tsbhyve
