// SPDX-License-Identifier: BSD-2-Clause
// Numbers of the NBD protocol that the client speaks, as its document (doc/proto.md of the NBD project) has them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbhyve::disk::nbd {

// "Newstyle negotiation".
constexpr std::uint64_t kServerMagic = 0x4e42444d41474943;  // NBDMAGIC
constexpr std::uint64_t kOptionMagic = 0x49484156454f5054;  // IHAVEOPT
constexpr std::uint64_t kOptionReplyMagic = 0x3e889045565a9;
constexpr std::uint16_t kFixedNewstyle = 1;  // NBD_FLAG_FIXED_NEWSTYLE and NBD_FLAG_C_FIXED_NEWSTYLE

enum class Option : std::uint32_t { Go = 7, StructuredReply = 8 };

constexpr std::uint32_t kReplyAck = 1;
constexpr std::uint32_t kReplyInfo = 3;
constexpr std::uint32_t kReplyErrorBit = 1u << 31;
constexpr std::uint32_t kErrorUnsupported = kReplyErrorBit | 1;
constexpr std::uint32_t kErrorPolicy = kReplyErrorBit | 2;
constexpr std::uint32_t kErrorTlsRequired = kReplyErrorBit | 5;
constexpr std::uint32_t kErrorUnknown = kReplyErrorBit | 6;
constexpr std::uint32_t kErrorShutdown = kReplyErrorBit | 7;

constexpr std::uint16_t kInfoExport = 0;
constexpr std::uint16_t kInfoBlockSize = 3;

// "Transmission flags".
enum ExportFlag : std::uint16_t {
  kHasFlags = 1 << 0,
  kReadOnly = 1 << 1,
  kSendFlush = 1 << 2,
  kSendFua = 1 << 3,
  kSendTrim = 1 << 5,
  kSendWriteZeroes = 1 << 6,
};

// "Transmission phase".
constexpr std::uint32_t kRequestMagic = 0x25609513;
constexpr std::uint32_t kSimpleReplyMagic = 0x67446698;
constexpr std::uint32_t kStructuredReplyMagic = 0x668e33ef;

enum class Command : std::uint16_t { Read = 0, Write = 1, Disconnect = 2, Flush = 3, Trim = 4, WriteZeroes = 6 };

constexpr std::uint16_t kFua = 1 << 0;
constexpr std::uint16_t kNoHole = 1 << 1;

constexpr std::uint16_t kChunkDone = 1 << 0;
constexpr std::uint16_t kChunkNone = 0;
constexpr std::uint16_t kChunkData = 1;
constexpr std::uint16_t kChunkHole = 2;
constexpr std::uint16_t kChunkErrorBit = 1 << 15;

/// Longest string of the protocol ("Values"), and so the longest text that is taken from a server.
constexpr std::size_t kLongestText = 4096;

/// Everything on the wire is big-endian.
template <class Number>
void put(std::uint8_t* to, Number value) {
  for (std::size_t index = sizeof value; index-- > 0; value = static_cast<Number>(value >> 7 >> 1)) {
    to[index] = static_cast<std::uint8_t>(value & 0xff);
  }
}

template <class Number>
Number get(const std::uint8_t* from) {
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < sizeof(Number); index++) value = value << 8 | from[index];
  return static_cast<Number>(value);
}

}  // namespace tsbhyve::disk::nbd
