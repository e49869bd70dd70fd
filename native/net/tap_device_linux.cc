// SPDX-License-Identifier: BSD-2-Clause
// Reference: Linux, Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/link.h"
#include "net/link_error.h"
#include "net/offloads.h"
#include "net/tap_device.h"

namespace tsbhyve::net {

namespace {

constexpr const char* control_path = "/dev/net/tun";
/// Since Linux 6.2, and so not in every header.
constexpr unsigned tun_uso4 = 0x20, tun_uso6 = 0x40;

std::string reason(int error) {
  switch (error) {
    case EBUSY: return "something else has it open, or it is no tap";
    case EPERM:
    case EACCES: return "not allowed; it needs CAP_NET_ADMIN, or a tap that was made for this user";
    case EINVAL: return "there is a device of this name that is no tap";
    case ENOENT:
    case ENODEV:
    case ENXIO: return "this system has no tun driver";
    default: return std::strerror(error);
  }
}

ifreq request(const std::string& name) {
  ifreq wanted{};
  std::memcpy(wanted.ifr_name, name.c_str(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1));
  return wanted;
}

bool attach(int fd, const std::string& name, short more) {
  ifreq wanted = request(name);
  wanted.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | more);
  return ioctl(fd, TUNSETIFF, &wanted) == 0;
}

/// Whether there is one already, and with a switch to bring one up.
class Interface {
 public:
  explicit Interface(const std::string& name) : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), name_(name) {}
  ~Interface() {
    if (socket_ >= 0) close(socket_);
  }
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  bool exists() const {
    ifreq wanted = request(name_);
    return socket_ >= 0 && ioctl(socket_, SIOCGIFFLAGS, &wanted) == 0;
  }
  void bring_up() const {
    ifreq wanted = request(name_);
    if (socket_ < 0 || ioctl(socket_, SIOCGIFFLAGS, &wanted) != 0) return;
    wanted.ifr_flags = static_cast<short>(wanted.ifr_flags | IFF_UP);
    ioctl(socket_, SIOCSIFFLAGS, &wanted);
  }

 private:
  int socket_;
  std::string name_;
};

unsigned tun_offloads(std::uint32_t offloads) {
  // The kernel takes segments only with sums.
  if (!(offloads & offload_checksum)) return 0;
  return TUN_F_CSUM | (offloads & offload_tcp4 ? TUN_F_TSO4 : 0u) | (offloads & offload_tcp6 ? TUN_F_TSO6 : 0u) |
         (offloads & offload_udp ? tun_uso4 | tun_uso6 : 0u);
}

bool tell(int fd, std::uint32_t offloads) {
  return ioctl(fd, TUNSETOFFLOAD, static_cast<unsigned long>(tun_offloads(offloads))) == 0;
}

}  // namespace

TapDevice::TapDevice(const std::string& name) {
  if (name.size() >= IFNAMSIZ) throw LinkError("at most 15 characters are accepted");
  const Interface interface(name);
  const bool was_there = interface.exists();
  fd_ = open(control_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) throw LinkError(std::string(control_path) + ": " + reason(errno));
  // One that was made for several queues is attached with one of them.
  const bool attached = attach(fd_, name, 0) || (errno == EINVAL && attach(fd_, name, IFF_MULTI_QUEUE));
  int size = static_cast<int>(tsbhyve::net::header_bytes);
  if (!attached || ioctl(fd_, TUNSETVNETHDRSZ, &size) != 0) {
    const std::string why = reason(errno);
    close(fd_);
    throw LinkError(why);
  }
  header_bytes_ = tsbhyve::net::header_bytes;
  for (const std::uint32_t offloads : {all_offloads, all_offloads & ~offload_udp, std::uint32_t{offload_checksum}}) {
    if (!offloads_ && tell(fd_, offloads)) offloads_ = offloads;
  }
  give(0);
  // One that was there has its owner's settings.
  if (!was_there) interface.bring_up();
}

TapDevice::~TapDevice() { close(fd_); }

void TapDevice::give(std::uint32_t offloads) { tell(fd_, offloads & offloads_); }

}  // namespace tsbhyve::net
