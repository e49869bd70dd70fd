// SPDX-License-Identifier: BSD-2-Clause
// Disk images for JavaScript.
#pragma once

#include <napi.h>

#include <memory>

#include "disk/disk_image.h"

namespace tsbhyve {

/// { openRaw(fd, direct) }
Napi::Object disk_exports(Napi::Env env);

/// What src/hypervisor/disk-image.ts calls an AddonDisk: { perform, submit, close } on any image. Requests that are on
/// their way keep the image after `close`.
Napi::Object disk_object(Napi::Env env, std::shared_ptr<disk::DiskImage> image);

}  // namespace tsbhyve
