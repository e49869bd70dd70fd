// SPDX-License-Identifier: BSD-2-Clause
#pragma once

namespace tsbhyve {

/// "ENOENT" and so on, as Node calls it; null where it has no name here.
const char* error_name(int number);

}  // namespace tsbhyve
