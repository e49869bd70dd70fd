// SPDX-License-Identifier: BSD-2-Clause
// Reference: FreeBSD, tap(4). Frames come and go whole; opening a device that is not there makes it, and it stays.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/link_error.h"
#include "net/tap_device.h"

namespace tsbhyve::net {

TapDevice::TapDevice(const std::string& name) {
  const std::string path = "/dev/" + name;
  fd_ = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) throw LinkError(path + ": " + std::strerror(errno));
}

TapDevice::~TapDevice() { close(fd_); }

void TapDevice::give(std::uint32_t) {}

}  // namespace tsbhyve::net
