// SPDX-License-Identifier: BSD-2-Clause
// For a build without libslirp's headers.
#include "net/link_error.h"
#include "net/slirp_link.h"

namespace tsbhyve::net {

std::unique_ptr<Link> open_slirp(const SlirpOptions&, Link::Announce) {
  throw LinkError("this build has no slirp; install libslirp's headers (Debian: libslirp-dev) and build again");
}

}  // namespace tsbhyve::net
