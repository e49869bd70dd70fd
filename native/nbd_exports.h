// SPDX-License-Identifier: BSD-2-Clause
// Exports of NBD servers, for JavaScript.
#pragma once

#include <napi.h>

namespace tsbhyve {

/// { open({ socket, host, port, exportName, durable }) }, as src/host/disk/nbd-disk.ts uses it.
Napi::Object nbd_exports(Napi::Env env);

}  // namespace tsbhyve
