// SPDX-License-Identifier: BSD-2-Clause
#include "nbd_exports.h"

#include <memory>

#include "disk/nbd_image.h"
#include "disk_exports.h"
#include "errors.h"

namespace tsbhyve {
namespace {

/// => { image, size, readOnly, minimumBlock, canDiscard }
Napi::Value open_nbd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto given = info[0].As<Napi::Object>();
    const auto text = [&](const char* name) { return given.Get(name).As<Napi::String>().Utf8Value(); };
    disk::nbd::LinkOptions options;
    options.unix_path = text("socket");
    options.host = text("host");
    options.port = text("port");
    options.export_name = text("exportName");
    const auto image = std::make_shared<disk::NbdImage>(std::move(options), given.Get("durable").ToBoolean());
    const disk::nbd::Export& agreed = image->agreed();
    auto result = Napi::Object::New(env);
    result.Set("image", disk_object(env, image));
    result.Set("size", Napi::BigInt::New(env, agreed.size));
    result.Set("readOnly", (agreed.flags & disk::nbd::kReadOnly) != 0);
    result.Set("minimumBlock", agreed.minimum_block);
    result.Set("canDiscard", (agreed.flags & disk::nbd::kSendTrim) != 0);
    return result;
  });
}

}  // namespace

Napi::Object nbd_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("open", Napi::Function::New(env, open_nbd, "open"));
  return exports;
}

}  // namespace tsbhyve
