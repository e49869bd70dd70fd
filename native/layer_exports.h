// SPDX-License-Identifier: BSD-2-Clause
// What the addon exports for layered disk images; the types are in src/hypervisor/addon.ts.
#pragma once

#include <napi.h>

namespace tsbhyve {

Napi::Object layer_exports(Napi::Env env);

}  // namespace tsbhyve
