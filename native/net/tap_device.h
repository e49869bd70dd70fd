// SPDX-License-Identifier: BSD-2-Clause
// The system's tap devices: each system has an implementation of its own.
#pragma once

#include <cstdint>
#include <string>

namespace tsbhyve::net {

class TapDevice {
 public:
  /// Attaches to the tap of this name, or makes one that goes with this object. Throws LinkError.
  explicit TapDevice(const std::string& name);
  ~TapDevice();
  TapDevice(const TapDevice&) = delete;
  TapDevice& operator=(const TapDevice&) = delete;

  /// Never blocks.
  int fd() const { return fd_; }
  /// Bytes of the header of VIRTIO-1.2 §5.1.6 in front of every frame: all of it, or none.
  std::uint32_t header_bytes() const { return header_bytes_; }
  /// What it takes from the guest, and can be told to give it.
  std::uint32_t offloads() const { return offloads_; }
  /// From now on the guest takes these.
  void give(std::uint32_t offloads);

 private:
  int fd_ = -1;
  std::uint32_t header_bytes_ = 0;
  std::uint32_t offloads_ = 0;
};

}  // namespace tsbhyve::net
