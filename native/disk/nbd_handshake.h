// SPDX-License-Identifier: BSD-2-Clause
// Agrees with an NBD server on an export: fixed newstyle negotiation with NBD_OPT_GO. Left out: TLS, meta contexts,
// extended headers, and servers that know NBD_OPT_EXPORT_NAME only.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "disk/nbd_stream.h"

namespace tsbhyve::disk::nbd {

struct Export {
  std::uint64_t size = 0;
  std::uint16_t flags = 0;
  std::uint32_t minimum_block = 1;
  std::uint32_t preferred_block = 4096;
  std::uint32_t maximum_payload = 32 * 1024 * 1024;  // "Block size constraints": what every server takes
  bool structured_replies = false;
};

/// Why a server cannot be used.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws `Refused` for a server that says no, breaks the protocol or is not done by the deadline.
Export shake_hands(Stream& stream, const std::string& export_name, Clock::time_point deadline);

}  // namespace tsbhyve::disk::nbd
