// SPDX-License-Identifier: BSD-2-Clause
// Any native disk image as an object that JavaScript passes around; it lives as long as that, or as whoever works on
// it.
#pragma once

#include <napi.h>

#include <memory>

#include "disk/disk_image.h"

namespace tsbhyve {

Napi::Object to_handle(Napi::Env env, std::shared_ptr<disk::DiskImage> image);
/// Lets go of the image now: with its files go their locks. Whoever still works on it keeps it until that is done.
void close_handle(const Napi::Value& handle);
/// Throws ERR_CLOSED for what was closed, ERR_INVALID for anything else than such an object.
std::shared_ptr<disk::DiskImage> image_from(const Napi::Value& handle);

}  // namespace tsbhyve
