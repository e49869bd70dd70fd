// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <stdexcept>

namespace tsbhyve::net {

/// What is wrong with a back end, in words for whoever has given it.
struct LinkError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace tsbhyve::net
