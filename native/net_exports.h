// SPDX-License-Identifier: BSD-2-Clause
// What the addon exports for network links; the types are in src/hypervisor/addon-net.ts.
#pragma once

#include <napi.h>

namespace tsbhyve {

Napi::Object net_exports(Napi::Env env);

}  // namespace tsbhyve
