// SPDX-License-Identifier: BSD-2-Clause
// An export of an NBD server as a disk.
#pragma once

#include <cstdint>

#include "disk/disk_image.h"
#include "disk/nbd_link.h"

namespace tsbhyve::disk {

class NbdImage final : public DiskImage {
 public:
  /// Connects; throws nbd::Refused if there is no such export to be used. `durable`: what is written is on stable
  /// storage when it is done.
  NbdImage(nbd::LinkOptions options, bool durable) : link_(std::move(options)), durable_(durable) {}

  const nbd::Export& agreed() const { return link_.agreed(); }

  int read(iovec* parts, int count, std::uint64_t offset) override;
  int write(iovec* parts, int count, std::uint64_t offset) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int zero(std::uint64_t offset, std::uint64_t length, bool unmap) override;

 private:
  std::uint64_t longest_transfer() const;
  int change(nbd::Request request);
  int change_range(nbd::Request request, std::uint64_t length);

  nbd::Link link_;
  const bool durable_;
};

}  // namespace tsbhyve::disk
