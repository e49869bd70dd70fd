// SPDX-License-Identifier: BSD-2-Clause
// A layered disk image as a JavaScript object. Every method does its work before it returns; results are errnos, 0:
// done.
#pragma once

#include <napi.h>

#include <memory>

#include "disk/layered_image.h"

namespace tsbhyve {

class LayeredImageObject : public Napi::ObjectWrap<LayeredImageObject> {
 public:
  static Napi::Function define(Napi::Env env);
  /// new LayeredImage(base fd, [{ fd, id }] from the oldest, bytes of the disk, sync)
  explicit LayeredImageObject(const Napi::CallbackInfo& info);

 private:
  /// (parts: Uint8Array[], offset)
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  /// (offset, length)
  Napi::Value discard(const Napi::CallbackInfo& info);
  /// (offset, length, unmap)
  Napi::Value zero(const Napi::CallbackInfo& info);
  /// ({ fd, id })
  Napi::Value push(const Napi::CallbackInfo& info);
  void pop(const Napi::CallbackInfo& info);
  /// (first, count, { fd, id })
  void replace(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  using Move = int (disk::DiskImage::*)(iovec*, int, std::uint64_t);
  Napi::Value move(const Napi::CallbackInfo& info, Move move);
  /// Throws ERR_INVALID where a range is not within the disk.
  void check(Napi::Env env, std::uint64_t offset, std::uint64_t length) const;
  std::shared_ptr<disk::LayerFile> layer_of(const Napi::Value& value) const;
  disk::LayeredImage& image(Napi::Env env);

  std::uint64_t bytes_ = 0;
  std::shared_ptr<disk::LayeredImage> image_;
};

}  // namespace tsbhyve
