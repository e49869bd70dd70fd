// SPDX-License-Identifier: BSD-2-Clause
// What the addon exports for snapshots; the types are in src/hypervisor/addon-snapshot.ts.
#pragma once

#include <napi.h>

namespace tsbhyve {

Napi::Object snapshot_exports(Napi::Env env);

}  // namespace tsbhyve
