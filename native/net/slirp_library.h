// SPDX-License-Identifier: BSD-2-Clause
// libslirp, loaded at its first use: with it come libraries that nobody else here needs.
#pragma once

#include <slirp/libslirp.h>

namespace tsbhyve::net {

struct SlirpLibrary {
  decltype(&slirp_new) create;
  decltype(&slirp_cleanup) cleanup;
  decltype(&slirp_pollfds_fill) pollfds_fill;
  decltype(&slirp_pollfds_poll) pollfds_poll;
  decltype(&slirp_input) input;
  decltype(&slirp_add_hostxfwd) add_hostxfwd;
};

/// Throws LinkError where it is missing.
const SlirpLibrary& slirp_library();

}  // namespace tsbhyve::net
