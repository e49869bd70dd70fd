// SPDX-License-Identifier: BSD-2-Clause
// What keeps this process to what its VM needs, for JavaScript.
#pragma once

#include <napi.h>

namespace tsbhyve {

/// { landlockVersion(), restrict({ network, read, write, sockets, folders }) }, as src/hypervisor/sandbox.ts explains
/// them.
Napi::Object sandbox_exports(Napi::Env env);

}  // namespace tsbhyve
