// SPDX-License-Identifier: BSD-2-Clause
#include "disk/nbd_replies.h"

#include <errno.h>
#include <string.h>

namespace tsbhyve::disk::nbd {
namespace {

constexpr std::uint32_t kServerGoes = 108;  // NBD_ESHUTDOWN

/// "Error values": Linux's numbers, whatever the host's are.
int host_error(std::uint32_t number) {
  switch (number) {
    case 1: return EPERM;
    case 12: return ENOMEM;
    case 22: return EINVAL;
    case 28: return ENOSPC;
    case 95: return EOPNOTSUPP;
    case kServerGoes: return ESHUTDOWN;
    default: return EIO;
  }
}

bool is_within(const Call& call, std::uint64_t offset, std::uint64_t length) {
  const Request& request = call.request;
  return request.command == Command::Read && length > 0 && offset >= request.offset && length <= request.length &&
         offset - request.offset <= request.length - length;
}

}  // namespace

int Replies::take(Clock::time_point deadline, bool& is_finished, std::uint64_t& finished) {
  std::uint8_t magic[4];
  is_finished = false;
  if (const int error = stream_.receive(magic, sizeof magic, deadline)) return error;
  switch (get<std::uint32_t>(magic)) {
    case kSimpleReplyMagic: is_finished = true; return take_simple(deadline, finished);
    case kStructuredReplyMagic: return structured_ ? take_chunk(deadline, finished, is_finished) : EPROTO;
    default: return EPROTO;
  }
}

int Replies::take_simple(Clock::time_point deadline, std::uint64_t& cookie) {
  std::uint8_t head[12];
  if (const int error = stream_.receive(head, sizeof head, deadline)) return error;
  const auto number = get<std::uint32_t>(head);
  cookie = get<std::uint64_t>(head + 4);
  Call* call = find_(cookie);
  if (call == nullptr) return EPROTO;
  const Request& request = call->request;
  if (request.command == Command::Read && structured_) return EPROTO;
  if (number == kServerGoes) return ESHUTDOWN;
  if (number != 0) {
    call->error = host_error(number);
    return 0;
  }
  return request.command == Command::Read ? receive_into(*call, request.offset, request.length, deadline) : 0;
}

int Replies::take_chunk(Clock::time_point deadline, std::uint64_t& cookie, bool& is_finished) {
  std::uint8_t head[16];
  if (const int error = stream_.receive(head, sizeof head, deadline)) return error;
  const auto flags = get<std::uint16_t>(head);
  const auto type = get<std::uint16_t>(head + 2);
  const auto length = get<std::uint32_t>(head + 12);
  cookie = get<std::uint64_t>(head + 4);
  Call* call = find_(cookie);
  if (call == nullptr) return EPROTO;

  int error = EPROTO;
  if (type & kChunkErrorBit) {
    error = take_error(*call, length, deadline);
  } else if (type == kChunkData) {
    error = take_data(*call, length, deadline);
  } else if (type == kChunkHole) {
    error = take_hole(*call, length, deadline);
  } else if (type == kChunkNone && length == 0 && (flags & kChunkDone)) {
    error = 0;
  }
  if (error != 0) return error;

  is_finished = (flags & kChunkDone) != 0;
  const auto& [command, unused, offset, bytes, data] = call->request;
  const bool lacks_data = command == Command::Read && !call->coverage.is_whole(offset, offset + bytes);
  return is_finished && call->error == 0 && lacks_data ? EPROTO : 0;
}

int Replies::take_data(Call& call, std::uint32_t length, Clock::time_point deadline) {
  std::uint8_t at[8];
  if (length <= sizeof at) return EPROTO;
  if (const int error = stream_.receive(at, sizeof at, deadline)) return error;
  const auto offset = get<std::uint64_t>(at);
  const std::uint64_t bytes = length - sizeof at;
  if (!is_within(call, offset, bytes) || !call.coverage.add(offset, offset + bytes)) return EPROTO;
  return receive_into(call, offset, bytes, deadline);
}

int Replies::take_hole(Call& call, std::uint32_t length, Clock::time_point deadline) {
  std::uint8_t hole[12];
  if (length != sizeof hole) return EPROTO;
  if (const int error = stream_.receive(hole, sizeof hole, deadline)) return error;
  const auto offset = get<std::uint64_t>(hole);
  const auto bytes = get<std::uint32_t>(hole + 8);
  if (!is_within(call, offset, bytes) || !call.coverage.add(offset, offset + bytes)) return EPROTO;
  for (const iovec& part : part_of(call.to, offset - call.request.offset, bytes))
    memset(part.iov_base, 0, part.iov_len);
  return 0;
}

int Replies::take_error(Call& call, std::uint32_t length, Clock::time_point deadline) {
  std::uint8_t number[4];
  if (length < 6 || length > 6 + kLongestText + 8) return EPROTO;
  if (const int error = stream_.receive(number, sizeof number, deadline)) return error;
  if (const int error = stream_.skip(length - sizeof number, deadline)) return error;
  const auto value = get<std::uint32_t>(number);
  if (value == kServerGoes) return ESHUTDOWN;
  call.error = host_error(value);
  return value == 0 ? EPROTO : 0;
}

int Replies::receive_into(const Call& call, std::uint64_t offset, std::uint64_t length, Clock::time_point deadline) {
  for (const iovec& part : part_of(call.to, offset - call.request.offset, length)) {
    if (const int error = stream_.receive(part.iov_base, part.iov_len, deadline)) return error;
  }
  return 0;
}

}  // namespace tsbhyve::disk::nbd
