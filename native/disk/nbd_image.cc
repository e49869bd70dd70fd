// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_image.h"

#include <errno.h>

#include <algorithm>

#include "disk/parts.h"
#include "disk/zeros.h"

namespace tsbhyve::disk {
namespace {

using nbd::Command;

constexpr std::uint64_t kMiB = 1 << 20;
/// So that what is in flight stays small, whatever the guest and the server agree to.
constexpr std::uint64_t kLongestTransfer = 2 * kMiB;
/// Short enough for a server that has to write zeros to answer in time.
constexpr std::uint64_t kLongestRange = 64 * kMiB;

nbd::Bytes copy(const std::vector<iovec>& parts, std::uint64_t length) {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>();
  bytes->reserve(length);
  for (const iovec& part : parts) {
    const auto* from = static_cast<const std::uint8_t*>(part.iov_base);
    bytes->insert(bytes->end(), from, from + part.iov_len);
  }
  return bytes;
}

}  // namespace

std::uint64_t NbdImage::longest_transfer() const {
  // "Block size constraints": a multiple of the minimum, which 2 MiB is.
  const std::uint64_t theirs = agreed().maximum_payload, unit = std::max<std::uint64_t>(agreed().minimum_block, 512);
  return std::max(std::min(theirs, kLongestTransfer) / unit * unit, unit);
}

int NbdImage::read(iovec* parts, int count, std::uint64_t offset) {
  const std::vector<iovec> memory(parts, parts + count);
  const std::uint64_t length = total_of(parts, count), longest = longest_transfer();
  for (std::uint64_t done = 0; done < length; done += longest) {
    const std::uint64_t bytes = std::min(length - done, longest);
    const nbd::Request request{
        .command = Command::Read, .offset = offset + done, .length = static_cast<std::uint32_t>(bytes)};
    if (const int error = link_.call(request, nbd::part_of(memory, done, bytes))) return error;
  }
  return 0;
}

int NbdImage::write(iovec* parts, int count, std::uint64_t offset) {
  const std::vector<iovec> memory(parts, parts + count);
  const std::uint64_t length = total_of(parts, count), longest = longest_transfer();
  for (std::uint64_t done = 0; done < length; done += longest) {
    const std::uint64_t bytes = std::min(length - done, longest);
    nbd::Request request{
        .command = Command::Write, .offset = offset + done, .length = static_cast<std::uint32_t>(bytes)};
    request.bytes = copy(nbd::part_of(memory, done, bytes), bytes);
    if (const int error = change(std::move(request))) return error;
  }
  return 0;
}

int NbdImage::flush() {
  // A server that does not offer it has nothing to flush ("Transmission flags").
  return link_.has(nbd::kSendFlush) ? link_.call({.command = Command::Flush}) : 0;
}

int NbdImage::discard(std::uint64_t offset, std::uint64_t length) {
  if (!link_.has(nbd::kSendTrim)) return EOPNOTSUPP;
  return change_range({.command = Command::Trim, .offset = offset}, length);
}

int NbdImage::zero(std::uint64_t offset, std::uint64_t length, bool unmap) {
  if (!link_.has(nbd::kSendWriteZeroes)) {
    return write_zeros(offset, length,
                       [this](iovec* parts, int count, std::uint64_t at) { return write(parts, count, at); });
  }
  const std::uint16_t flags = unmap ? 0 : nbd::kNoHole;
  return change_range({.command = Command::WriteZeroes, .flags = flags, .offset = offset}, length);
}

int NbdImage::change(nbd::Request request) {
  const bool has_fua = link_.has(nbd::kSendFua);
  if (durable_ && has_fua) request.flags |= nbd::kFua;
  const int error = link_.call(std::move(request));
  return error == 0 && durable_ && !has_fua ? flush() : error;
}

int NbdImage::change_range(nbd::Request request, std::uint64_t length) {
  while (length > 0) {
    request.length = static_cast<std::uint32_t>(std::min(length, kLongestRange));
    if (const int error = change(request)) return error;
    request.offset += request.length;
    length -= request.length;
  }
  return 0;
}

}  // namespace tsbhyve::disk
