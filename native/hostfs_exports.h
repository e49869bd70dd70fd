// SPDX-License-Identifier: BSD-2-Clause
// What the addon exports for shared folders; the types are in src/hypervisor/addon.ts.
#pragma once

#include <napi.h>

namespace tsbhyve {

Napi::Object hostfs_exports(Napi::Env env);

}  // namespace tsbhyve
